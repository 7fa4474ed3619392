"""The table of docs/reliability.md, from the book of the faults that the present chassis has survived."""

from pathlib import Path

from scripts.markers import filled
from tests.faults.book import lines, markdown, read
from tests.faults.rows import ROWS


def page(text: str, book: Path) -> str:
    """Return the page with the table that its book gives now. Raises ValueError when it has no place for one."""
    return filled(text, markdown(lines(ROWS.values(), read(book))))
