"""A release that dies of an event."""

import asyncio
from collections.abc import Collection, Iterable
from contextlib import suppress
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

import asyncpg

from chassis.consume.attempts import DEATHS_BORNE
from chassis.consume.kept import readable
from tests.faults.judge import LETTERS, Verdict, everywhere, judge
from tests.faults.row import Draw, Outcome, Row
from tests.faults.rows.poison import RESOLVED
from tests.faults.rows.releases import HEARD, NEXT, SAID, until_equal
from tests.faults.rows.striking import answering, roll
from tests.faults.stage import Stage
from tests.rig import ServiceUnderTest, until

OF_TOTAL = (
    "select id from chassis.events where type = 'orders.order_placed.v1'"
    " and (convert_from(body, 'UTF8')::jsonb #>> '{order,total,amount}')::numeric = $1"
)
REASONS = {
    "kill": f"it ended the process {DEATHS_BORNE} times",
    "block": f"it ended the process {DEATHS_BORNE} times",
    "hoard": "MemoryError in hear_everything",
}
"""How the dead letter of an event begins that ends or blocks its process, or wants more memory than there is."""
HOW = tuple(REASONS)
PATIENCE = 240
"""Seconds within which a fatal order has ended the process often enough."""


class Letter(NamedTuple):
    """A dead letter: whose it is, of which event, and how it says why."""

    service: str
    handler: str
    event: str
    reason: str


async def die_of_an_event(stage: Stage, random: Draw) -> Outcome:
    """An event kills the process, blocks it or wants too much memory: it alone is a dead letter, the lane goes on.

    After every death a subscription is filled from the log, so that is to be short.
    """
    loyalty, how = stage.rig.processes["loyalty"], HOW[random.number % len(HOW)]
    total = Decimal(31_337) + Decimal(random.number) / 100
    direct = dict(loyalty.environment)
    loyalty.environment = {**direct, "KLIENTELA_FATAL": f"{total}:{how}", "KLIENTELA_STALLED_AFTER": "2"}
    await roll(loyalty, NEXT)
    ((rolled,),) = await stage.rig.rows("orders", "select now()")
    keeping = asyncio.create_task(keep_alive(loyalty))
    try:
        async with stage.load.running(random):
            await stage.load.sell_one(total)
            await until(lambda: all_dead(stage, total, how), PATIENCE)
            recovery = await stage.load.probe()
        await until(lambda: all_dead(stage, total, how), PATIENCE)
        fatal = await fatal_events(stage, total)
        verdict = await judge(stage.rig, stage.load.inputs, len(fatal))
        await until_equal(stage)
    finally:
        keeping.cancel()
    add_letters(verdict, await letters(stage), those_of(fatal, how))
    events = await stage.rig.rows("orders", SAID)
    for handler, wanted in (
        ("everything", {event for event, _ in events} - fatal),
        ("news", {event for event, at in events if at > rolled}),
    ):
        heard = {row["event"] for row in await stage.rig.rows("loyalty", HEARD, handler)}
        verdict.add("lost", [f"{event} was never heard as {handler}" for event in wanted - heard])
        verdict.add("doubled", [f"{event} is no {handler}" for event in heard - wanted])
    await stage.rig.rows("loyalty", RESOLVED)
    loyalty.environment = direct
    await roll(loyalty, "chassis")
    return Outcome(1, verdict, [recovery])


async def fatal_events(stage: Stage, total: Decimal) -> set[UUID]:
    """Return the events that say that an order of such a total was placed."""
    return {row["id"] for row in await stage.rig.rows("orders", OF_TOTAL, total)}


def those_of(fatal: Iterable[UUID], how: str) -> set[Letter]:
    """Return the dead letters that there are to be: of each fatal event one, of the handler that it is fatal for."""
    return {Letter("loyalty", "hear_everything", str(event), REASONS[how]) for event in fatal}


async def letters(stage: Stage) -> list[Letter]:
    """Return the dead letters of all services. A reason is told by how it begins."""
    begins = set(REASONS.values())
    return [
        Letter(
            service,
            handler,
            str(readable(record).get("record", {}).get("id")),
            next(filter(reason.startswith, begins), reason),
        )
        for service, handler, record, reason in await everywhere(stage.rig, LETTERS)
    ]


def add_letters(verdict: Verdict, found: Collection[Letter], wanted: Collection[Letter]) -> None:
    """Count dead letters that there are not to be, each of which is an innocent that was buried, and missing ones.

    What was fatal has to be dead: else it ends processes still.
    """
    verdict.add("lost", [f"dead letter {letter}" for letter in found if letter not in wanted])
    verdict.add("stuck", [f"no dead letter {letter}" for letter in wanted if letter not in found])


async def all_dead(stage: Stage, total: Decimal, how: str) -> bool:
    """Say whether every order of such a total has ended processes enough by being placed."""
    with suppress(OSError, asyncpg.PostgresError):
        fatal = await fatal_events(stage, total)
        return bool(fatal) and those_of(fatal, how) <= set(await letters(stage))
    return False


async def keep_alive(process: ServiceUnderTest) -> None:
    """Start a process again whenever it ends, as a supervisor does."""
    while True:
        if not process.running:
            process.spawn()
            with suppress(TimeoutError):
                await answering(process, 20)
        await asyncio.sleep(0.1)  # lint-skip: sleep the end of a process is no event of this loop


ROWS = (
    Row(
        "fatal",
        "an event that kills or blocks the process that hears it, or wants too much memory",
        10,
        50,
        die_of_an_event,
        fresh=True,
    ),
)
