"""Pages of which a part is written by `just generate`: what stands between two markers."""

BEGIN, END = "<!-- the table, by `just generate` -->", "<!-- the end of the table -->"


def filled(text: str, part: str) -> str:
    r"""Return a page with what stands between its markers now. Raises ValueError when it has none.

    >>> filled(f"a{BEGIN}old{END}b", "new") == f"a{BEGIN}\\nnew\\n{END}b"
    True
    """
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        message = f"the page needs a line {BEGIN} and a line {END}"
        raise ValueError(message)
    return f"{before}{BEGIN}\n{part}\n{END}{after}"
