"""A row of the table: a fault, how often it is to strike, and what came of it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

from tests.faults.judge import Verdict, judge
from tests.faults.stage import Stage


class Draw(Random):
    """The chance of one run, which its row and its number repeat; a ``short`` one waits and writes less."""

    def __init__(self, row: str, number: int, *, short: bool = False) -> None:
        super().__init__(f"{row} {number}")
        self.number, self.short = number, short

    def seconds(self, *choices: float) -> float:
        """Draw how long something lasts; a short run takes the first."""
        return choices[0] if self.short else self.choice(choices)


class NotStruck(Exception):
    """The fault did not take place, which says nothing of the suite."""


def took_no_place(error: Exception) -> bool:
    """Tell whether an error, or a group of them, is only that the fault did not take place."""
    return ExceptionGroup("", [error]).split(NotStruck)[1] is None


LONGEST = 45 * 60
"""Seconds that any run has, on a stage that stands."""
SLOWNESS = 4
"""How much gentler the load of a short run is: in CI two stages share two cores."""
Strike = Callable[[Stage, Draw], Awaitable[int | list[str]]]
"""Strikes and mends what it broke itself; returns how many faults that were, or the name of what each struck."""


@dataclass
class Outcome:
    """What one run of a row came to; ``recovery`` are seconds from the end of a fault to the next order's points.

    Where databases were set back it is until no service has anything left to do. ``struck`` names what was struck,
    where a row has several such.
    """

    times: int
    verdict: Verdict
    recovery: list[float] = field(default_factory=list)
    struck: list[str] = field(default_factory=list)


Run = Callable[[Stage, Draw], Awaitable[Outcome]]


@dataclass(frozen=True)
class Row:
    """One fault: its name, what it is in a sentence, how often survived is enough, and how often the goal.

    ``unit`` is what is counted where one run strikes many. Each run of a ``fresh`` row has a stage and the machine to
    itself: what it leaves behind is for no other run; that of a ``bare`` one has the machine without any service. One
    ``for_root`` does what root alone may. What recovers later than ``within`` seconds is stuck: about twice the worst
    seen beside two other suites, and a minute at least.
    """

    name: str
    what: str
    enough: int
    goal: int
    run: Run
    unit: str = "faults"
    fresh: bool = False
    bare: bool = False
    for_root: bool = False
    within: int = 60

    async def strike(self, stage: Stage, random: Draw) -> Outcome:
        """Run once. Raises TimeoutError if it has no end."""
        stage.load.slowness = SLOWNESS if random.short else 1
        async with asyncio.timeout(LONGEST):
            outcome = await self.run(stage, random)
        late = [each for each in outcome.recovery if each > self.within]
        outcome.verdict.add("stuck", [f"recovered after {each:.0f} s, over {self.within} s" for each in late])
        return outcome


async def work_unharmed(stage: Stage, random: Draw) -> list[str]:
    """Have a stage that is new work once before anything strikes; return what was not as it should be even so.

    A short run does not look: what was wrong before is wrong afterwards, and the last judge says so.
    """
    if stage.load.inputs.sent:
        return []
    async with stage.load.running(random):
        pass
    if random.short:
        return []
    verdict = await judge(stage.rig, stage.load.inputs)
    return [f"before the fault {reason}" for reason in verdict.reasons]


def under_load(strike: Strike, *, producing: bool = False) -> Run:
    """A run: load, the fault, the load goes on, the suite comes to rest, the judge looks at everything.

    With ``producing`` the producer has much to write before and after; what Kafka has of it and the service has not, is
    named.
    """

    async def run(stage: Stage, random: Draw) -> Outcome:
        before = await work_unharmed(stage, random)
        async with stage.load.running(random, producing=producing):
            came = await strike(stage, random)
            recovery = await stage.load.probe()
        verdict = await judge(stage.rig, stage.load.inputs)
        if any(verdict.counts):
            verdict.reasons[:0] = await stage.load.producer.passed_over()
        verdict.add("stuck", before)
        times, struck = (came, []) if isinstance(came, int) else (len(came), came)
        return Outcome(times, verdict, [recovery], struck)

    return run
