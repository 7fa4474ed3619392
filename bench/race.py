"""A race: ours against the floor, in turn, round after round, and what came of it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from math import floor as whole
from math import log10
from statistics import median
from typing import Literal, NamedTuple, Protocol

from bench.track import Track

UNSTEADY = 0.15
"""Spread of the floor, as a share of its median, above which a run says that the machine was unsteady."""


class Lap(NamedTuple):
    """One contestant's part of one round: its figure, and this process' CPU for one unit, in microseconds.

    ``also`` is what else there is to know of it, by name: at which rate it was, of what the figure is made up.
    """

    figure: float
    cpu: float = 0.0
    also: tuple[tuple[str, float], ...] = ()

    def __str__(self) -> str:
        """Write it for people."""
        also = ", ".join(f"{name} {shown(value)}" for name, value in self.also)
        return shown(self.figure) + (f" ({also})" if also else "")

    def as_json(self) -> dict[str, object]:
        """Return all of it for machines."""
        return {"figure": self.figure, "cpu": self.cpu, **({"also": dict(self.also)} if self.also else {})}


class Race(Protocol):
    """Two contestants on one track."""

    async def floor(self) -> Lap:
        """Do the least that the machine has to do for the effect."""

    async def ours(self) -> Lap:
        """Do it as the suite does."""


@dataclass(frozen=True)
class Row:
    """One line of the table: what is raced, in which unit, and what is promised of ours.

    A ``bar`` is the least or the most that ours may be, judged ``by`` its ratio to the floor in figures or in CPU, by
    how much more it is than the floor, or alone; a row without one is stated. A ``once`` row takes so long that it is
    run a single time, its floor first.
    """

    name: str
    what: str
    floor: str
    unit: str
    bar: float | None
    least: bool
    open: Callable[[Track], AbstractAsyncContextManager[Race]]
    by: Literal["figure", "cpu", "difference", "alone"] = "figure"
    once: bool = False

    def holds(self, judged: float) -> bool:
        """Tell whether what ours is judged by is within the bar."""
        return self.bar is None or (judged >= self.bar if self.least else judged <= self.bar)

    def compare(self, floor: Lap, ours: Lap) -> float:
        """Return what a round is judged by. Raises ValueError where a contestant did nothing."""
        match self.by:
            case "figure":
                return ratio(ours.figure, floor.figure)
            case "cpu":
                return ratio(ours.cpu, floor.cpu)
            case "difference":
                return ours.figure - floor.figure
            case "alone":
                return ours.figure

    def rounds(self, asked: int) -> range:
        """Return the numbers of the rounds: one, or as many as are asked after number 0, which does not count."""
        return range(1, 2) if self.once else range(asked + 1)


@dataclass(frozen=True)
class Outcome:
    """All counted rounds of a row: the floor's laps and ours, in pairs."""

    row: Row
    floor: Sequence[Lap]
    ours: Sequence[Lap]

    @property
    def judged(self) -> float:
        """The median of what each round is judged by, so that a machine that drifts meets both."""
        return median(self.row.compare(f, o) for f, o in self.pairs)

    @property
    def ratio(self) -> float:
        """The same of the ratios of the figures."""
        return median(ratio(o.figure, f.figure) for f, o in self.pairs)

    @property
    def cpu_ratio(self) -> float:
        """The same of the CPU."""
        return median(o.cpu / f.cpu if f.cpu else 0 for f, o in self.pairs)

    @property
    def pairs(self) -> list[tuple[Lap, Lap]]:
        """The rounds."""
        return list(zip(self.floor, self.ours, strict=True))

    @property
    def spread(self) -> float:
        """How far what the floor is judged by lies apart, as a share of its median."""
        figures = [lap.cpu if self.row.by == "cpu" else lap.figure for lap in self.floor]
        return ratio(max(figures) - min(figures), median(figures))

    @property
    def holds(self) -> bool:
        """Tell whether the bar is met."""
        return self.row.holds(self.judged)

    def as_json(self) -> dict[str, object]:
        """Return all of it for machines."""
        return {
            "row": self.row.name, "unit": self.row.unit, "bar": self.row.bar, "least": self.row.least,
            "by": self.row.by, "judged": self.judged, "holds": self.holds,
            "ratio": self.ratio, "cpu_ratio": self.cpu_ratio, "spread": self.spread,
            "floor": [lap.as_json() for lap in self.floor], "ours": [lap.as_json() for lap in self.ours],
        }  # fmt: skip


def ratio(one: float, other: float) -> float:
    """Return how often the other one goes into one. Raises ValueError where a contestant did nothing.

    >>> ratio(3, 2)
    1.5
    """
    if not other:
        message = "a contestant did nothing"
        raise ValueError(message)
    return one / other


def shown(figure: float) -> str:
    """Write a figure for people, with three digits at least.

    >>> shown(12345.6), shown(12.345), shown(0.5)
    ('12,346', '12.3', '0.500')
    """
    return f"{figure:,.{max(0, 2 - whole(log10(abs(figure))))}f}" if figure else "0"


async def run(row: Row, track: Track, rounds: int, say: Callable[[str], None]) -> Outcome:
    """Race so many rounds, after one that does not count; in every other one of them ours begins."""
    floor: list[Lap] = []
    ours: list[Lap] = []
    async with row.open(track) as race:
        for number in row.rounds(rounds):
            turns = [(race.floor, floor), (race.ours, ours)]
            for contestant, laps in turns if number % 2 else reversed(turns):
                laps.append(await contestant())
            say(f"{row.name}: floor {floor[-1]}, ours {ours[-1]} {row.unit}" + ("" if number else " (to warm up)"))
    counted = slice(0 if row.once else 1, None)
    return Outcome(row, floor[counted], ours[counted])
