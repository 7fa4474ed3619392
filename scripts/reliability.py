"""The table of docs/reliability.md, from the book of the faults that the present chassis has survived."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from scripts.markers import filled
from tests.faults.book import Entry, lines, markdown, read
from tests.faults.rows import ROWS
from tests.faults.rows.processes import POINTS, place_of


def page(text: str, book: Path) -> str:
    """Return the page with the table that its book gives now. Raises ValueError when it has no place for one."""
    entries = read(book)
    return filled(text, f"{markdown(lines(ROWS.values(), entries))}\n\n{points(entries)}")


def points(entries: Iterable[Entry]) -> str:
    """Return how often each named point of each service was struck, by kill -9 and by SIGSTOP."""
    struck = Counter((entry.row, place) for entry in entries for place in entry.struck)
    told = ["Each named point, as often as `kill-at-point`+`stop-at-point` have struck it:"]
    for service, mine in POINTS.items():
        places = [(point, place_of(service, point)) for point in mine]
        counts = [
            f"`{point}` {struck['kill-at-point', place]}+{struck['stop-at-point', place]}" for point, place in places
        ]
        told.append(f"- {service}: {', '.join(counts)}")
    return "\n".join(told)
