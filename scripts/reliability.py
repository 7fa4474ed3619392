"""The table of docs/reliability.md, from the book of the faults that the present chassis has survived."""

from pathlib import Path

from tests.faults.book import lines, markdown, read
from tests.faults.rows import ROWS

BEGIN, END = "<!-- the table, by `just generate` -->", "<!-- the end of the table -->"


def page(text: str, book: Path) -> str:
    """Return the page with the table that its book gives now. Raises ValueError when it has no place for one."""
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        message = f"the page needs a line {BEGIN} and a line {END}"
        raise ValueError(message)
    return f"{before}{BEGIN}\n{markdown(lines(ROWS.values(), read(book)))}\n{END}{after}"
