"""One seed: two services on the real chassis, moved step by step by chance until all has to be at rest."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, cast
from uuid import UUID

import asyncpg
import httpx

from chassis.consume.intake import store_intake, work_off
from chassis.consume.retry import retry_parked
from chassis.consume.timers import fire_due
from chassis.events.unit import unit_of_work
from chassis.service import Service
from tests.simulation.broker import Feed, Topic
from tests.simulation.machine import Machine
from tests.simulation.process import Crash, Process, Stock, now_runs, plan_death
from tests.simulation.toys import Asked, Noted, make_book, make_till

WRITING = ("counters.locked", "events.written", "commit.before", "commit.after")
CONSUMING = (
    "batch.progress-locked", "attempt.noted", "states.loaded", "states.saved", *WRITING, "commit.before",
)  # fmt: skip
RELAYING = ("relay.read", "relay.sent", "relay.acknowledged", "cursor.written")
TIMERS = ("timer.claimed", "attempt.noted", "states.loaded", *WRITING)
INTAKE = ("intake.claimed", "attempt.noted", "states.loaded", *WRITING)
KINDS = ("plain",) * 8 + ("ring", "ring", "wait", "poison", "broken")
DEATHS = 2
"""A message that ends three processes alone is given up by rule; seeds stay below."""
EXPECTED = (asyncpg.InterfaceError, asyncpg.PostgresConnectionError, httpx.HTTPError, ConnectionError)
Step = Callable[[], Awaitable[object]]


class Stuck(AssertionError):
    """Something did not come to rest."""


class World:
    """The two services, their topics and feeds, and what the scheduler knows of what it asked for."""

    def __init__(self, seed: int, stocks: dict[str, Stock], identities: dict[str, str]) -> None:
        self.chance = Random(seed)
        self.keys = [UUID(int=self.chance.getrandbits(128)) for _ in range(3)]
        self.opened: set[UUID] = set()
        self.topics = {name: Topic(self.chance) for name in stocks}
        self.feed = Feed({}, self.chance)
        services: dict[str, Service] = {"till": make_till(), "book": make_book(self.opened)}
        self.machines = {name: Machine(services[name], stocks[name], identities[name], self) for name in stocks}
        self.feed.pools = {name: cast("Any", m.process.database.pool) for name, m in self.machines.items()}
        self.till, self.book = self.machines["till"], self.machines["book"]
        self.written: set[UUID] = set()
        self.undone: set[UUID] = set()
        self.torn = self.strangers = self.deaths = 0
        self.asked: list[UUID] = []
        self.story: list[str] = []
        self.slow: tuple[asyncio.Task[None], Process, list[UUID]] | None = None

    async def run(self) -> None:
        """Take steps by chance, then bring everything to rest."""
        steps = self._steps()
        await self._take(*steps[0])
        for _ in range(self.chance.randint(12, 22)):
            await self._take(*self.chance.choice([step for step in steps if step[1].can(step[0].split()[0])]))
        await self.drain()

    def _steps(self) -> list[tuple[str, Machine, Step, tuple[str, ...]]]:
        steps: list[tuple[str, Machine, Step, tuple[str, ...]]] = [
            ("write", self.till, self.write, WRITING),
            ("write", self.till, self.write, WRITING),
            ("slow", self.till, self.begin_slowly, ()),
            ("slips", self.till, self.store_slips, ("intake.stored",)),
            ("intake", self.till, lambda: work_off(self.till.process.database, self.till.service), INTAKE),
            ("timers", self.book, lambda: fire_due(self.book.process.database, self.book.service), TIMERS),
            ("parked", self.book, lambda: retry_parked(self.book.process.database, self.book.service), CONSUMING),
            ("open", self.book, self.open, ()),
            ("stranger", self.till, self.stranger, ()),
        ]
        for machine in self.machines.values():
            name = machine.service.name
            often = 8 if machine is self.book else 4
            steps += [(f"relay {name}", machine, machine.relay_step, RELAYING)] * (10 - often)
            steps += [(f"consume {name}", machine, machine.consume, CONSUMING)] * often
            steps.append((f"heads {name}", machine, machine.check_heads, CONSUMING))
            steps.append((f"rebalance {name}", machine, machine.rebalance, ()))
            steps.append((f"zombie {name}", machine, machine.zombie, ()))
            steps.append((f"strike {name}", machine, machine.strike, ()))
        return steps

    async def _take(self, name: str, machine: Machine, step: Step, passes: tuple[str, ...]) -> None:
        if self.slow and (name in {"write", "slow", "intake"} or self.chance.random() < 0.2):
            await self.end_slowly()
        process = machine.process
        likely = 0.25 if name.startswith(("consume", "relay", "heads", "timers", "parked")) else 0.06
        if passes and not process.dies_at and self.deaths < DEATHS and self.chance.random() < likely:
            plan_death(process, self.chance, passes)
        elif passes and self.chance.random() < 0.08:
            process.loses = self.chance.choice(("answer", "commit"))
        self.story.append(f"{name} {process.dies_at or ''}{process.loses}")
        now_runs(process)
        try:
            await step()
        except Crash as crash:
            self.story.append(f"died at {crash}")
        except EXPECTED as trouble:
            self.story.append(f"trouble: {type(trouble).__name__}")
        finally:
            now_runs(None)
        process.loses = ""
        if not process.alive:
            self.deaths += 1
            machine.start_anew()
            self.feed.pools[machine.service.name] = machine.process.database.pool

    def _events(self) -> tuple[list[Noted | Asked], list[UUID]]:
        events: list[Noted | Asked] = []
        for _ in range(self.chance.randint(1, 4)):
            key, number = self.chance.choice(self.keys), UUID(int=self.chance.getrandbits(128))
            if self.chance.random() < 0.12:
                again = self.asked and self.chance.random() < 0.5
                request = self.chance.choice(self.asked) if again else number
                self.asked.append(request)
                events.append(Asked(key=self.keys[request.int % 3], id=request))
            else:
                events.append(Noted(key=key, id=number, kind=self.chance.choice(KINDS)))
        return events, [event.id for event in events if isinstance(event, Noted)]

    async def write(self) -> None:
        """Write some events, or think better of it."""
        events, ids = self._events()
        undo = self.chance.random() < 0.15
        with contextlib.suppress(ZeroDivisionError):
            async with unit_of_work(self.till.process.database, "till") as unit:
                unit.publish(*events)
                if undo:
                    self.undone.update(ids)
                    await unit.finish()
                    raise ZeroDivisionError
            self.written.update(ids)

    async def begin_slowly(self) -> None:
        """Write events whose commit comes later: others go on meanwhile, and must not see them."""
        events, ids = self._events()
        writer = Process(self.till.process.stock, self.till.process.database.identity)
        writer.waits = asyncio.Event()

        async def write() -> None:
            async with unit_of_work(writer.database, "till") as unit:
                unit.publish(*events)

        now_runs(None)
        task = asyncio.create_task(write())
        await writer.at_commit.wait()
        self.slow = (task, writer, ids)

    async def end_slowly(self) -> None:
        """Let the slow writer commit, or find its connection gone."""
        if not self.slow:
            return
        (task, writer, ids), self.slow = self.slow, None
        writer.loses = "commit" if self.chance.random() < 0.3 else ""
        (self.undone if writer.loses else self.written).update(ids)
        cast("asyncio.Event", writer.waits).set()
        with contextlib.suppress(asyncpg.PostgresConnectionError):
            await task

    async def store_slips(self) -> None:
        """Take in raw messages, some of which cannot be read."""
        torn = [self.chance.random() < 0.2 for _ in range(self.chance.randint(1, 3))]
        ids = [UUID(int=self.chance.getrandbits(128)) for _ in torn]
        slips = [
            f"{self.chance.choice(self.keys)} {each} {'torn' if bad else self.chance.choice(KINDS)}"
            for each, bad in zip(ids, torn, strict=True)
        ]
        async with unit_of_work(self.till.process.database, "till") as unit:
            await store_intake(unit.connection, "slip", None, *(slip.encode() for slip in slips))
        self.written.update(each for each, bad in zip(ids, torn, strict=True) if not bad)
        self.torn += sum(torn)

    async def open(self) -> None:
        """What waits for this key need not wait any more."""
        self.opened.add(self.chance.choice(self.keys))

    async def stranger(self) -> None:
        """Put something onto the till's topic that the till did not write."""
        self.strangers += 1
        self.topics["till"].append(0, b"\xff", b"?", [("ce_lane", b"\xff")], timestamp=self.chance.getrandbits(40))

    @property
    def quiet(self) -> bool:
        """Tell whether no topic lost anything, and nobody who read one was interrupted."""
        return not any(step.startswith(("strike", "died", "trouble")) for step in self.story)

    async def drain(self) -> None:
        """No more faults: bring everything to rest. Raises Stuck."""
        self.feed.faulty = False
        await self.end_slowly()
        for machine in self.machines.values():
            machine.process.dies_at = None
            self.topics[machine.service.name].faulty = False
        self.opened.update(self.keys)
        now_runs(None)
        behind = ""
        for _ in range(8):
            await work_off(self.till.process.database, self.till.service)
            for machine in (self.till, self.book):
                await machine.publish_all()
                await machine.other.consume_all()
                await retry_parked(machine.other.process.database, machine.other.service)
                await fire_due(machine.other.process.database, machine.other.service)
            if not (behind := await self._behind()):
                return
            for machine in self.machines.values():
                await machine.check_heads()
        raise Stuck(behind)

    async def _behind(self) -> str:
        till, book = await self.till.standing(), await self.book.standing()
        for name, mine, others in (("till", till, book), ("book", book, till)):
            if mine["unpublished"] or mine["waiting"]:
                return f"{name}: {mine['unpublished']} lanes not published, {mine['waiting']} things wait"
            pairs = enumerate(zip(others["progress"], mine["heads"], strict=True))
            late = {lane: pair for lane, pair in pairs if pair[0] != pair[1] and not pair[1].endswith(":0")}
            if late:
                return f"who hears {name} is behind: {late}"
        return ""
