"""Services are killed and frozen, at random instants and at named points."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import count
from typing import NamedTuple

import httpx

from chassis.consume.attempts import DEATHS_BORNE
from tests.faults.row import Draw, NotStruck, Row, under_load
from tests.faults.rows.striking import PATIENCE, killed
from tests.faults.stage import Stage
from tests.rig import ServiceUnderTest

POINTS = {
    "orders": (
        "intake.stored", "intake.claimed", "feed.page", "attempt.noted", "cursor.written", "outside.stored",
        "states.loaded", "states.saved", "counters.locked", "events.written", "commit.before", "commit.after",
        "relay.read", "relay.sent", "relay.acknowledged",
    ),
    "loyalty": (
        "job.claimed", "batch.progress-locked", "offset.before", "offset.after", "states.loaded",
        "commit.before", "commit.after", "states.saved",
    ),
    "clients": (
        "states.saved", "counters.locked", "events.written", "commit.before", "commit.after",
        "states.loaded", "batch.progress-locked",
    ),
    "service-desk": ("timer.claimed", "batch.progress-locked", "events.written", "commit.after"),
    "automation": (
        "relay.read", "relay.sent", "relay.acknowledged", "commit.before", "counters.locked",
        "states.saved", "offset.before",
    ),
}  # fmt: skip
"""Where each service is struck; the first six of each are all points once."""
IN_A_ROW = DEATHS_BORNE - 1
"""How often a process may die before it has done anything, and nothing is blamed for it."""
ROUNDS = [
    {service: points[n] for service, points in POINTS.items() if n < len(points)} for n in range(len(POINTS["orders"]))
]
"""Every round strikes each of its services at a point of its own, under one load."""
RARE = frozenset({"offset.before", "offset.after", "timer.claimed", "job.claimed", "feed.page"})
"""Points that are not passed many times in one load."""


async def kill_each(stage: Stage, random: Draw) -> int:
    """Kill every service once, each at an instant of its own, and start it again."""

    async def kill(process: ServiceUnderTest, seconds: float) -> None:
        await asyncio.sleep(seconds)  # lint-skip: sleep the instant is to be any
        await asyncio.to_thread(process.kill)
        await asyncio.to_thread(process.start)

    await asyncio.gather(*(kill(process, random.uniform(0, 3)) for process in stage.rig.processes.values()))
    return len(stage.rig.processes)


async def kill_at_points(stage: Stage, random: Draw) -> list[str]:
    """Kill services at their points of a round, which the seed's number names; of two rounds if it is to be short."""
    n = random.number * IN_A_ROW
    rounds = ROUNDS[n : n + IN_A_ROW] if random.short else [_round_of(random)]
    return await _at_points(stage, random, "kill", rounds)


async def stop_at_points(stage: Stage, random: Draw) -> list[str]:
    """Freeze services at their points of a round, shorter and longer than their sessions live, and thaw them."""
    return await _at_points(stage, random, "stop", [_round_of(random)])


def _round_of(random: Draw) -> Mapping[str, str]:
    return ROUNDS[random.number % len(ROUNDS)]


class Strike(NamedTuple):
    """How a service is struck: at which point, at which pass of it, and for how long if it is frozen."""

    point: str
    at: int
    seconds: float


def _strike_at(point: str, random: Draw) -> Strike:
    return Strike(point, 1 if point in RARE else random.randint(1, 4), random.seconds(0.5, 3, 8, 14))


async def _at_points(stage: Stage, random: Draw, action: str, rounds: Sequence[Mapping[str, str]]) -> list[str]:
    """Strike each service at its point of each round, one after the other; what was killed starts for the next one.

    Returns the name of each place.
    """

    async def strike(process: ServiceUnderTest, strikes: Sequence[Strike]) -> None:
        for each in strikes:
            await asyncio.to_thread(process.stop)
            process.fault = f"{each.point}:{each.at}:{action}"
            process.spawn()
            await (killed(process) if action == "kill" else thawed(process, each.seconds))
        process.fault = ""
        if not process.running:
            await asyncio.to_thread(process.start)

    where = {name: [_strike_at(each[name], random) for each in rounds if name in each] for name in POINTS}
    asking = asyncio.create_task(_ask_for_pages(stage))
    try:
        async with asyncio.TaskGroup() as all_at_once:
            for name, strikes in where.items():
                all_at_once.create_task(strike(stage.rig.processes[name], strikes))
    finally:
        asking.cancel()
        for process in stage.rig.processes.values():
            process.fault = ""
    return [place_of(name, each.point) for name, strikes in where.items() for each in strikes]


def place_of(service: str, point: str) -> str:
    """Name a point of a service."""
    return f"{service} at {point}"


async def thawed(process: ServiceUnderTest, seconds: float) -> None:
    """Wait until a process has frozen at its point, and thaw it. Raises NotStruck when it never comes there."""
    try:
        await process.frozen(PATIENCE)
    except TimeoutError:
        message = f"{process.name} never came to {process.fault}"
        raise NotStruck(message) from None
    await asyncio.sleep(seconds)  # lint-skip: sleep sessions end by the clock
    process.thaw()
    process.fault = ""


async def _ask_for_pages(stage: Stage) -> None:
    """Read the orders' feed again and again, as somebody does who mends a hole."""
    for lane in count():
        with suppress(httpx.TransportError):
            await stage.load.apis["orders"].get("/v1/events", params={"lane": lane % 48})
        await asyncio.sleep(0.2)  # lint-skip: sleep the pace of a reader


CELLS = sum(map(len, POINTS.values()))
ROWS = (
    Row("kill-service", "kill -9 of each of the five services at a random instant", 100, 500, under_load(kill_each)),
    Row("kill-at-point", "kill -9 at a named point", 3 * CELLS, 10 * CELLS, under_load(kill_at_points)),
    Row("stop-at-point", "SIGSTOP at a named point, thawed later", 3 * CELLS, 10 * CELLS, under_load(stop_at_points)),
)
