"""The book of results: a line for every run, added up by seed; another chassis begins at nothing."""

import ast
import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.faults.row import Outcome, Row

PROJECT = Path(__file__).resolve().parents[2]
CHASSIS = PROJECT / "shared/chassis/src/chassis"
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


@dataclass(frozen=True)
class Line:
    """A row of the table as it stands."""

    row: Row
    times: int
    bad: tuple[int, ...]
    recovery: tuple[float, ...]

    @property
    def cells(self) -> list[str]:
        """What the table shows."""
        p50, p99 = percentiles(self.recovery)
        if not self.times:
            return [self.row.name, self.row.what, NOT_YET, *[""] * 6]
        return [self.row.name, self.row.what, f"{self.times:,}", *map(str, self.bad), p50, p99]


NOT_YET = "not run yet"
"""What stands in place of the times of a row that the present chassis was not struck with."""
HEAD = ["row", "fault", "times", "lost", "doubled", "out of order", "stuck", "recovery p50", "p99"]


def chassis_digest() -> str:
    """Name the chassis by what its code does: comments, layout and docstrings count for nothing."""
    digest = hashlib.sha256()
    for path in sorted(CHASSIS.rglob("*.py")):
        digest.update(path.relative_to(CHASSIS).as_posix().encode())
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                node.body = [each for each in node.body if not is_prose(each)]
        digest.update(shape(tree).encode())
    for path in sorted(CHASSIS.rglob("*.sql")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def shape(node: object) -> str:
    """Write a piece of code down by what it holds; fields that are empty, which not every Python has, do not count."""
    if isinstance(node, ast.AST):
        held = [f"{name}={shape(value)}" for name, value in ast.iter_fields(node) if value is not None and value != []]
        return f"{type(node).__name__}({','.join(held)})"
    return f"[{','.join(map(shape, node))}]" if isinstance(node, list) else repr(node)


def is_prose(node: ast.stmt) -> bool:
    """Tell whether a statement is a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def entry_of(row: Row, seed: int, outcome: Outcome, chassis: str) -> Entry:
    """Return what is written of a run with a chassis, as it was when the run began."""
    recovery = tuple(round(seconds, 2) for seconds in outcome.recovery)
    return Entry(row.name, seed, chassis, outcome.times, outcome.verdict.counts, recovery)


def write(entry: Entry, book: Path) -> None:
    """Add a run to a book."""
    book.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with book.open("a") as file:
        file.write(json.dumps(asdict(entry), separators=(",", ":")) + "\n")


def read(*books: Path, chassis: str | None = None) -> list[Entry]:
    """Return the runs of a chassis, the present one if none is named, from books; of two with one seed the worse.

    A seed repeats the draws, not the timing of real processes: a later run that passes takes nothing back. Of two that
    are equally bad the later one counts.
    """
    chassis = chassis or chassis_digest()
    found: dict[tuple[str, int], Entry] = {}
    for line in (line for book in books if book.exists() for line in book.read_text().splitlines()):
        said = json.loads(line)
        entry = Entry(**{**said, "bad": tuple(said["bad"]), "recovery": tuple(said["recovery"])})
        known = found.get((entry.row, entry.seed))
        if entry.chassis == chassis and (known is None or sum(entry.bad) >= sum(known.bad)):
            found[entry.row, entry.seed] = entry
    return list(found.values())


def lines(rows: Iterable[Row], entries: Iterable[Entry]) -> list[Line]:
    """Add the runs of each row up."""
    known = list(entries)
    made = []
    for row in rows:
        mine = [entry for entry in known if entry.row == row.name]
        bad = tuple(sum(numbers) for numbers in zip(*(entry.bad for entry in mine), strict=True)) or (0, 0, 0, 0)
        recovery = tuple(seconds for entry in mine for seconds in entry.recovery)
        made.append(Line(row, sum(entry.times for entry in mine), bad, recovery))
    return made


def percentiles(seconds: tuple[float, ...]) -> tuple[str, str]:
    """Return the nearest ranks of 50 and 99 in a hundred, as the table shows them."""
    ordered = sorted(seconds)
    ranks = [ordered[math.ceil(len(ordered) * share) - 1] for share in (0.5, 0.99)] if ordered else []
    return (f"{ranks[0]:.1f} s", f"{ranks[1]:.1f} s") if ranks else ("", "")


def markdown(table: Iterable[Line]) -> str:
    """Return the table for docs/reliability.md."""
    body = [HEAD, ["---"] * 2 + ["---:"] * 7, *(line.cells for line in table)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in body)
