"""A race: ours against the floor, in turn, round after round, and what came of it."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from math import floor as whole
from math import log10
from statistics import median
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from bench.track import Track
from chassis.run.collector import search_seldom

UNSTEADY = 0.15
"""Spread of the floor, as a share of its median, above which a run says that the machine was unsteady."""
COMPUTED = 15
"""How often the fixed computation is done by which a machine's drift is seen."""


class Lap(NamedTuple):
    """One contestant's part of one round: its figure, and the CPU of one unit in microseconds, if that was measured.

    ``also`` is what else there is to know of it, by name: at which rate it was, of what the figure is made up.
    ``series`` is how the figure came about where it took long: how far it had come, and what was found there.
    """

    figure: float
    cpu: float | None = None
    also: tuple[tuple[str, float], ...] = ()
    series: tuple[tuple[float, float], ...] = ()

    def __str__(self) -> str:
        """Write it for people."""
        also = ", ".join(f"{name} {shown(value)}" for name, value in self.also)
        return shown(self.figure) + (f" ({also})" if also else "")


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
    run a single time, its floor first. Whose CPU is counted is in ``cpu_of``; of a row without it nobody's is.
    """

    name: str
    what: str
    floor: str
    unit: str
    bar: float | None
    least: bool
    open: "Callable[[Track], AbstractAsyncContextManager[Race]]"
    by: Literal["figure", "cpu", "difference", "alone"] = "figure"
    once: bool = False
    cpu_of: str = ""

    def holds(self, judged: float) -> bool:
        """Tell whether what ours is judged by is within the bar."""
        return self.bar is None or (judged >= self.bar if self.least else judged <= self.bar)

    def compare(self, floor: Lap, ours: Lap) -> float:
        """Return what a round is judged by. Raises ValueError where a contestant did nothing."""
        match self.by:
            case "figure":
                return ratio(ours.figure, floor.figure)
            case "cpu":
                return ratio(ours.cpu or 0, floor.cpu or 0)
            case "difference":
                return ours.figure - floor.figure
            case "alone":
                return ours.figure

    def rounds(self, asked: int) -> range:
        """Return the numbers of the rounds: one, or as many as are asked after number 0, which does not count."""
        return range(1, 2) if self.once else range(asked + 1)


@dataclass(frozen=True)
class Outcome:
    """All counted rounds of a row: the floor's laps and ours, in pairs.

    ``drift`` is by how much the machine itself became quicker or slower meanwhile, as far as that was measured.
    """

    row: Row
    floor: Sequence[Lap]
    ours: Sequence[Lap]
    drift: float = 0.0

    @property
    def judged(self) -> float:
        """The median of what each round is judged by, so that a machine that drifts meets both."""
        return median(self.row.compare(f, o) for f, o in self.pairs)

    @property
    def ratio(self) -> float:
        """The same of the ratios of the figures."""
        return median(ratio(o.figure, f.figure) for f, o in self.pairs)

    @property
    def cpu_ratio(self) -> float | None:
        """The same of the CPU, where it was measured."""
        found = [o.cpu / f.cpu for f, o in self.pairs if o.cpu is not None and f.cpu]
        return median(found) if found else None

    @property
    def pairs(self) -> list[tuple[Lap, Lap]]:
        """The rounds."""
        return list(zip(self.floor, self.ours, strict=True))

    @property
    def spread(self) -> float:
        """How far what the floor is judged by lies apart, as a share of its median; of a single lap, the drift."""
        figures = [(lap.cpu or 0) if self.row.by == "cpu" else lap.figure for lap in self.floor]
        return self.drift if self.row.once else ratio(max(figures) - min(figures), median(figures))

    @property
    def holds(self) -> bool:
        """Tell whether the bar is met."""
        return self.row.holds(self.judged)

    def as_json(self) -> dict[str, object]:
        """Return all of it for machines."""
        numbers = {
            "judged": self.judged, "ratio": self.ratio, "cpu_ratio": self.cpu_ratio, "spread": self.spread,
            "floor": told(self.floor), "ours": told(self.ours),
        }  # fmt: skip
        row = {"row": self.row.name, "unit": self.row.unit, "by": self.row.by, "bar": self.row.bar}
        return {**row, "rounds": len(self.floor), "holds": self.holds, **numbers}


def told(laps: Sequence[Lap]) -> dict[str, object]:
    """Return the medians of a contestant's laps, each figure, and the last one's series."""
    names = [name for name, _ in laps[0].also]
    cpu = [lap.cpu for lap in laps if lap.cpu is not None]
    return {
        "figure": median(lap.figure for lap in laps),
        "cpu": median(cpu) if cpu else None,
        "also": {name: median(dict(lap.also)[name] for lap in laps) for name in names},
        "laps": [lap.figure for lap in laps],
        "series": laps[-1].series,
    }


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


async def run(row: Row, track: "Track", rounds: int, say: Callable[[str], None]) -> Outcome:
    """Race so many rounds, after one that does not count; in every other one of them ours begins."""
    floor: list[Lap] = []
    ours: list[Lap] = []
    say(f"{row.name}: opening")
    before = calibrate() if row.once else 1
    async with row.open(track) as race:
        for number in row.rounds(rounds):
            turns = [(race.floor, floor), (race.ours, ours)]
            for contestant, laps in turns if number % 2 else reversed(turns):
                search_seldom()  # as services do; what other rows have left is nobody's to search
                laps.append(await contestant())
            say(f"{row.name}: floor {floor[-1]}, ours {ours[-1]} {row.unit}" + ("" if number else " (to warm up)"))
    counted = slice(0 if row.once else 1, None)
    drift = abs(calibrate() / before - 1) if row.once else 0
    return Outcome(row, floor[counted], ours[counted], drift)


def calibrate() -> float:
    """Return how many seconds the same computation takes by the clock, the median of several."""
    found = []
    for _ in range(COMPUTED):
        began = time.perf_counter()
        sum(range(1_000_000))
        found.append(time.perf_counter() - began)
    return median(found)
