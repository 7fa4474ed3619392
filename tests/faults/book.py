"""The book of results: a line for every run, added up by seed; another chassis or another strike begins at nothing."""

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from tests.faults.digests import chassis_digest, strike_digest
from tests.faults.row import Outcome, Row

PROJECT = Path(__file__).resolve().parents[2]
BOOK = PROJECT / "docs/reliability.jsonl"
"""What is published."""
OWN_BOOK = PROJECT / ".klientela/reliability.jsonl"
"""What was struck in this checkout."""


@dataclass(frozen=True)
class Entry:
    """One run: what it was, and its numbers in the order lost, doubled, out of order, stuck."""

    row: str
    seed: int
    chassis: str
    times: int
    bad: tuple[int, int, int, int]
    recovery: tuple[float, ...] = ()
    strike: str = ""


@dataclass(frozen=True)
class Line:
    """A row of the table as it stands; ``recovery`` from the shortest to the longest."""

    row: Row
    runs: int
    times: int
    bad: tuple[int, ...]
    recovery: tuple[float, ...]

    @property
    def cells(self) -> list[str]:
        """What the table shows."""
        if not self.times:
            return [self.row.name, self.row.what, "", NOT_YET, *[""] * 6]
        recovered = [f"{self.rank(share):.1f} s" if self.recovery else "" for share in (0.5, 1)]
        return [self.row.name, self.row.what, str(self.runs), f"{self.times:,}", *map(str, self.bad), *recovered]

    @property
    def said(self) -> dict[str, object]:
        """What machines are told: a p99 only where there are a hundred."""
        shares = {"p50": 0.5, "worst": 1} | ({"p99": 0.99} if len(self.recovery) >= 100 else {})
        recovery = {"times": len(self.recovery)} | {
            name: self.rank(share) for name, share in shares.items() if self.recovery
        }
        bad = zip(("lost", "doubled", "out_of_order", "stuck"), self.bad, strict=True)
        return {"row": self.row.name, "runs": self.runs, "times": self.times, **dict(bad), "recovery": recovery}

    def rank(self, share: float) -> float:
        """Return the nearest rank of a share of the recoveries."""
        return self.recovery[math.ceil(len(self.recovery) * share) - 1]


NOT_YET = "not run yet"
"""What stands in place of the times of a row that the present chassis was not struck with."""
HEAD = ["row", "fault", "runs", "times", "lost", "doubled", "out of order", "stuck", "recovery p50", "worst"]


def entry_of(row: Row, seed: int, outcome: Outcome, chassis: str, strike: str) -> Entry:
    """Return what is written of a run: with which chassis and strike, as they were when the run began."""
    recovery = tuple(round(seconds, 2) for seconds in outcome.recovery)
    return Entry(row.name, seed, chassis, outcome.times, outcome.verdict.counts, recovery, strike)


def write(entry: Entry, book: Path) -> None:
    """Add a run to a book."""
    book.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with book.open("a") as file:
        file.write(json.dumps(asdict(entry), separators=(",", ":")) + "\n")


def read(*books: Path, chassis: str | None = None) -> list[Entry]:
    """Return the runs of a chassis, the present one if none is named, from books; of two with one seed the worse.

    What another strike of a row came to is no proof of this one. A seed repeats the draws, not the timing of real
    processes: a later run that passes takes nothing back. Of two that are equally bad the later one counts.
    """
    chassis, strikes = chassis or chassis_digest(), cache(strike_digest)
    found: dict[tuple[str, int], Entry] = {}
    for line in (line for book in books if book.exists() for line in book.read_text().splitlines()):
        said = json.loads(line)
        entry = Entry(**{**said, "bad": tuple(said["bad"]), "recovery": tuple(said["recovery"])})
        known = found.get((entry.row, entry.seed))
        present = entry.chassis == chassis and entry.strike == strikes(entry.row)
        if present and (known is None or sum(entry.bad) >= sum(known.bad)):
            found[entry.row, entry.seed] = entry
    return list(found.values())


def lines(rows: Iterable[Row], entries: Iterable[Entry]) -> list[Line]:
    """Add the runs of each row up."""
    known = list(entries)
    made = []
    for row in rows:
        mine = [entry for entry in known if entry.row == row.name]
        bad = tuple(sum(numbers) for numbers in zip(*(entry.bad for entry in mine), strict=True)) or (0, 0, 0, 0)
        recovery = tuple(sorted(seconds for entry in mine for seconds in entry.recovery))
        made.append(Line(row, len(mine), sum(entry.times for entry in mine), bad, recovery))
    return made


def markdown(table: Iterable[Line]) -> str:
    """Return the table for docs/reliability.md."""
    body = [HEAD, ["---"] * 2 + ["---:"] * 8, *(line.cells for line in table)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in body)
