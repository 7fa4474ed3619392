"""A race: ours against the floor, in turn, round after round, and what came of it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from statistics import median
from typing import Literal, NamedTuple, Protocol

from bench.track import Track

UNSTEADY = 0.15
"""Spread of the floor, as a share of its median, above which a run says that the machine was unsteady."""


class Lap(NamedTuple):
    """One contestant's part of one round: its figure, and this process' CPU for one unit, in microseconds."""

    figure: float
    cpu: float = 0.0


class Race(Protocol):
    """Two contestants on one track."""

    async def floor(self) -> Lap:
        """Do the least that the machine has to do for the effect."""

    async def ours(self) -> Lap:
        """Do it as the suite does."""


@dataclass(frozen=True)
class Row:
    """One line of the table: what is raced, in which unit, and the ratio of ours to the floor that is promised.

    ``by`` says whether the ratio is one of figures or of CPU.
    """

    name: str
    what: str
    floor: str
    unit: str
    bar: float
    least: bool
    open: Callable[[Track], AbstractAsyncContextManager[Race]]
    by: Literal["figure", "cpu"] = "figure"

    def holds(self, ratio: float) -> bool:
        """Tell whether a ratio is within the bar, which is the least or the most that it may be."""
        return ratio >= self.bar if self.least else ratio <= self.bar


@dataclass(frozen=True)
class Outcome:
    """All counted rounds of a row: the floor's laps and ours, in pairs."""

    row: Row
    floor: Sequence[Lap]
    ours: Sequence[Lap]

    @property
    def ratio(self) -> float:
        """The median of the ratios of each round, so that a machine that drifts meets both."""
        return median(ratio(getattr(o, self.row.by), getattr(f, self.row.by)) for f, o in self.pairs)

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
        figures = [getattr(lap, self.row.by) for lap in self.floor]
        return ratio(max(figures) - min(figures), median(figures))

    @property
    def holds(self) -> bool:
        """Tell whether the bar is met."""
        return self.row.holds(self.ratio)

    def as_json(self) -> dict[str, object]:
        """Return all of it for machines."""
        return {
            "row": self.row.name, "unit": self.row.unit, "bar": self.row.bar, "least": self.row.least,
            "ratio": self.ratio, "cpu_ratio": self.cpu_ratio, "spread": self.spread, "holds": self.holds,
            "floor": [lap._asdict() for lap in self.floor], "ours": [lap._asdict() for lap in self.ours],
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


async def run(row: Row, track: Track, rounds: int, say: Callable[[str], None]) -> Outcome:
    """Race so many rounds, after one that does not count; in every other one of them ours begins."""
    floor: list[Lap] = []
    ours: list[Lap] = []
    async with row.open(track) as race:
        for number in range(rounds + 1):
            turns = [(race.floor, floor), (race.ours, ours)]
            for contestant, laps in turns if number % 2 else reversed(turns):
                laps.append(await contestant())
            pair = f"floor {floor[-1].figure:,.0f}, ours {ours[-1].figure:,.0f} {row.unit}"
            say(f"{row.name}: {pair}" + ("" if number else " (to warm up)"))
    return Outcome(row, floor[1:], ours[1:])
