"""The book of results: a line for every run, added up by seed; another chassis or another strike begins at nothing."""

import json
import math
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from klientela.errors import Refusal
from klientela.layout import PROJECT
from tests.faults.digests import chassis_digest, strike_digest
from tests.faults.judge import Counts
from tests.faults.row import Outcome, Row

BOOK = PROJECT / "docs/reliability.jsonl"
"""What is published."""
OWN_BOOK = PROJECT / ".klientela/reliability.jsonl"
"""What was struck in this checkout."""


MILLION = 1_000_000
KEPT, LONG = 3, 200
"""So many reasons of a run are written down, and so much of each."""


@dataclass(frozen=True)
class Entry:
    """One run: what struck what, of which commit and when, and what came of it; one of no times did not strike."""

    row: str
    seed: int
    chassis: str
    strike: str
    commit: str
    at: str
    times: int
    lost: int = 0
    doubled: int = 0
    inverted: int = 0
    stuck: int = 0
    recovery: tuple[float, ...] = ()
    reasons: tuple[str, ...] = ()
    struck: tuple[str, ...] = ()

    @property
    def counts(self) -> Counts:
        """What was wrong."""
        return Counts(self.lost, self.doubled, self.inverted, self.stuck)

    @property
    def badness(self) -> tuple[int, bool, float]:
        """By what the worse of two runs is known: first what was wrong, last how long it took to recover."""
        return sum(self.counts), self.times > 0, max(self.recovery, default=0)


@dataclass(frozen=True)
class Line:
    """A row of the table as it stands; ``recovery`` from the shortest to the longest."""

    row: Row
    runs: int
    times: int
    counts: Counts
    recovery: tuple[float, ...]

    @property
    def cells(self) -> list[str]:
        """What the table shows."""
        named = [self.row.name, self.row.what, self.row.unit]
        times = f"{short(self.times)} of {short(self.row.enough)}"
        if not self.runs:
            return [*named, "", times, *[""] * 6]
        recovered = [f"{self.rank(share):.1f} s" if self.recovery else "" for share in (0.5, 1)]
        return [*named, str(self.runs), times, *map(str, self.counts), *recovered]

    @property
    def said(self) -> dict[str, object]:
        """What machines are told: a p99 only where there are a hundred."""
        shares = {"p50": 0.5, "worst": 1} | ({"p99": 0.99} if len(self.recovery) >= 100 else {})
        recovery = {"times": len(self.recovery)} | {
            name: self.rank(share) for name, share in shares.items() if self.recovery
        }
        wanted = {"enough": self.row.enough, "goal": self.row.goal, "unit": self.row.unit}
        counted = {"runs": self.runs, "times": self.times, **wanted, **self.counts._asdict()}
        return {"row": self.row.name, **counted, "recovery": recovery}

    def rank(self, share: float) -> float:
        """Return the nearest rank of a share of the recoveries."""
        return self.recovery[math.ceil(len(self.recovery) * share) - 1]


WRONG = ["lost", "doubled", "out of order", "stuck"]
HEAD = ["row", "fault", "counted", "runs", "times", *WRONG, "recovery p50", "worst"]


class Present(NamedTuple):
    """What a run is a run of, as it was when it began: what was struck, by what, in which commit, and when that was."""

    chassis: str
    strike: str
    commit: str
    at: str

    @classmethod
    def of(cls, row: Row) -> "Present":
        """Return what it is for a row now."""
        at = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(chassis_digest(), strike_digest(row.name), commit_of(PROJECT), at)


def commit_of(folder: Path) -> str:
    """Return which commit is checked out, with a + where the tree has more, what is written of runs left aside."""
    if not (folder / ".git").exists():
        return ""
    git = partial(subprocess.run, cwd=folder, capture_output=True, text=True, check=True)
    try:
        commit = git(["git", "rev-parse", "--short=12", "HEAD"]).stdout.strip()
        more = git(["git", "status", "--porcelain", "--", ".", ":!docs"]).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f"{commit}+" if more else str(commit)


def entry_of(row: Row, seed: int, outcome: Outcome, present: Present) -> Entry:
    """Return what is written of a run."""
    recovery = tuple(round(seconds, 2) for seconds in outcome.recovery)
    reasons = tuple(reason[:LONG] for reason in outcome.verdict.reasons[:KEPT])
    counted = (outcome.times, *outcome.verdict.counts)
    return Entry(row.name, seed, *present, *counted, recovery, reasons, tuple(outcome.struck))


class BadBook(Refusal):
    """A book cannot be read or written."""

    code = 2


def write(entry: Entry, book: Path) -> None:
    """Add a run to a book. Raises BadBook."""
    _add(json.dumps(asdict(entry), separators=(",", ":")) + "\n", book)


def open_for_writing(book: Path) -> None:
    """Make a book that is not there yet. Raises BadBook where no run could be written down: that is no time for it."""
    _add("", book)


def _add(text: str, book: Path) -> None:
    try:
        book.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with book.open("a") as file:
            file.write(text)
    except OSError as error:
        message = f"The book {book} cannot be written: {error.strerror}. --book names another one."
        raise BadBook(message) from error


def read(*books: Path, chassis: str | None = None) -> list[Entry]:
    """Return the runs of a chassis, the present one if none is named, from books; of two with one seed the worse.

    Raises BadBook.
    What another strike of a row came to is no proof of this one. A seed repeats the draws, not the timing of real
    processes: a later run that passes takes nothing back. Of two that are equally bad the later one counts.
    """
    chassis, strikes = chassis or chassis_digest(), cache(strike_digest)
    found: dict[tuple[str, int], Entry] = {}
    for entry in (entry for book in books for entry in _entries(book, chassis, strikes)):
        known = found.get((entry.row, entry.seed))
        if known is None or entry.badness >= known.badness:
            found[entry.row, entry.seed] = entry
    return list(found.values())


def _entries(book: Path, chassis: str, strikes: Callable[[str], str]) -> Iterator[Entry]:
    """Read what a book says of the present code; one that is not there says nothing. Raises BadBook."""
    try:
        text = book.read_text(errors="replace") if book.exists() else ""
    except OSError as error:
        message = f"The book {book} cannot be read: {error.strerror}. --book names another one."
        raise BadBook(message) from error
    for at, line in enumerate(text.splitlines(), 1):
        try:
            said = json.loads(line)
            if (said["chassis"], said.get("strike")) == (chassis, strikes(said["row"])):
                several: dict[str, Any] = {
                    name: tuple(value) for name, value in said.items() if isinstance(value, list)
                }
                yield Entry(**{**said, **several})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            message = f"{book}:{at} is no line of a book of faults, or a torn one. Mend it or take it out."
            raise BadBook(message) from error


def short(number: int) -> str:
    """Return a number as it fits into a table: never more than it is.

    >>> short(999_999), short(1_003_999), short(10_000_000)
    ('999,999', '1.003M', '10M')
    """
    return f"{number:,}" if number < MILLION else f"{number // 1_000 / 1_000:g}M"


def lines(rows: Iterable[Row], entries: Iterable[Entry]) -> list[Line]:
    """Add the runs of each row up."""
    known = list(entries)
    made = []
    for row in rows:
        mine = [entry for entry in known if entry.row == row.name and (entry.times or any(entry.counts))]
        counts = Counts(*(sum(numbers) for numbers in zip(*(entry.counts for entry in mine), strict=True)))
        recovery = tuple(sorted(seconds for entry in mine for seconds in entry.recovery))
        made.append(Line(row, len(mine), sum(entry.times for entry in mine), counts, recovery))
    return made


def markdown(table: Iterable[Line]) -> str:
    """Return the table for docs/reliability.md."""
    body = [HEAD, ["---"] * 3 + ["---:"] * 8, *(line.cells for line in table)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in body)
