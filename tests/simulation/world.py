"""One seeded run of the real relay, consumer and mender, step by step, over a Kafka in memory that loses and repeats.

Every step is one call of the chassis on a real PostgreSQL; a crash is raised at a named point of ``chassis.points`` and
undoes what a dead process would leave undone. What needs two things at once at one instant is not here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import asyncpg
from aiokafka.errors import KafkaError

from chassis import points
from chassis.consume.mending import Mender
from chassis.consume.retry import retry_parked
from chassis.consume.subscription import Subscription
from chassis.database import Database
from chassis.events.log import FeedPage, Head, read_heads, read_page
from chassis.events.record import Position, Record
from chassis.events.relay import Relay
from chassis.events.unit import unit_of_work
from chassis.service import Service
from schemas.ids import derive
from tests.simulation.toy import Moods, an_order

RELAYING = ("relay.read", "relay.sent", "relay.acknowledged", "cursor.written")
WRITING = ("counters.locked", "events.written", "commit.before", "commit.after")
CONSUMING = ("batch.progress-locked", "states.loaded", "states.saved", "attempt.noted", *WRITING)
STEPS = 22


class Crash(BaseException):
    """The process is dead."""


class Withdrawn(Exception):
    """The writer rolls back."""


class Batch:
    """What aiokafka calls a batch: messages until it is sent."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def append(self, **message: Any) -> object:
        self.messages.append(message)
        return message


class Topic:
    """A topic in memory, all partitions in one list; records come back as they were written."""

    def __init__(self, known: dict[UUID, Record]) -> None:
        self.known, self.log = known, list[Record]()
        self.trouble: Callable[[], float] = lambda: 1.0

    async def partitions_for(self, _topic: str) -> set[int]:
        return set(range(12))

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, _topic: str, *, partition: int) -> "asyncio.Future[None]":
        """Take a batch; by chance it is taken and not answered, or not taken at all."""
        chance, answer = self.trouble(), asyncio.get_running_loop().create_future()
        if chance > 0.05:
            found = (dict(message["headers"])["ce_id"].decode() for message in batch.messages)
            self.log += [self.known[UUID(each)] for each in found]
        if chance < 0.1:
            answer.set_exception(KafkaError(f"by chance {partition}"))
        else:
            answer.set_result(None)
        return answer


class Feed:
    """The owner's feed without HTTP."""

    def __init__(self, owner: Database) -> None:
        self.owner = owner

    async def page(self, source: str, lane: int, after: Position) -> FeedPage:
        async with self.owner.pool.acquire() as connection:
            return await read_page(connection, source, lane, after, 3)

    async def heads(self, _source: str) -> dict[int, Head]:
        async with self.owner.pool.acquire() as connection:
            return await read_heads(connection)


class World:
    """Two databases that live on from seed to seed, each seed with keys of its own."""

    def __init__(self, shop: Database, till: Database, service: Service, session: "asyncpg.Connection[Any]") -> None:
        self.shop, self.till, self.service, self.session = shop, till, service, session
        self.relay = Relay(shop, "orders", "", "orders")
        self.subscription = Subscription(till, service)
        self.mender = Mender(self.subscription, Feed(shop))  # type: ignore[arg-type]

    async def run(self, seed: int) -> list[UUID]:
        """Run one seed until all is at rest; return its keys."""
        self.random = Random(seed)
        Moods.random, Moods.wild = self.random, True
        self.known: dict[UUID, Record] = {}
        self.topic = Topic(self.known)
        self.topic.trouble = self.random.random
        self.producer: Any = self.topic
        self.keys = [derive("simulation", seed, n) for n in range(2)]
        self.numbers, self.positions = 0, [0, 0]
        self.window: list[Record] = []
        steps: list[Callable[[], Awaitable[object]]] = [
            self.write, self.write, self.read_window, self.send_window, self.send_window, self.consume, self.consume,
            self.send_as_zombie, self.check_heads, self.lose, self.retry,
        ]  # fmt: skip
        for _ in range(STEPS):
            await self.step(self.random.choice(steps))
        Moods.wild, self.topic.trouble = False, lambda: 1.0
        await self.drain()
        return self.keys

    async def step(self, doing: Callable[[], Awaitable[object]]) -> None:
        """Do one thing, perhaps not to its end."""
        around = RELAYING if doing in (self.read_window, self.send_window) else CONSUMING
        if self.random.random() < 0.3:
            arm(self.random.choice(around), self.random.randint(1, 2))
        try:
            await doing()
        except (Crash, Withdrawn, KafkaError, asyncpg.InterfaceError):
            self.window = []
        finally:
            disarm()

    async def write(self) -> None:
        async with unit_of_work(self.shop, "orders") as unit:
            for _ in range(self.random.randint(1, 4)):
                self.numbers += 1
                unit.publish(an_order(self.random.choice(self.keys), self.numbers, self.random.randint(1, 9)))
            if self.random.random() < 0.1:
                raise Withdrawn

    async def read_window(self) -> None:
        self.window = await self.relay._window(self.session)
        self.known |= {record.id: record for record in self.window}

    async def send_window(self) -> None:
        window = self.window or await self.relay._window(self.session)
        self.known |= {record.id: record for record in window}
        self.window = []
        if window:
            await self.relay._send(self.session, self.producer, window)

    async def send_as_zombie(self) -> None:
        """An old relay, whose session is gone, sends what it had read once more."""
        again = sorted(self.random.sample(list(self.known.values()), min(3, len(self.known))), key=lambda r: r.position)
        gone: Any = SimpleNamespace(execute=refuse)
        if again:
            await self.relay._send(gone, self.producer, again)

    async def consume(self) -> None:
        """One of two members goes on in the topic, or goes back to where it was long ago."""
        member = self.random.randrange(2)
        if self.random.random() < 0.15:
            self.positions[member] = self.random.randint(0, len(self.topic.log))
        start = min(self.positions[member], len(self.topic.log))
        batch = self.topic.log[start : start + self.random.randint(1, 6)]
        if batch:
            for lane in await self.subscription.apply("orders", batch):
                await self.mender.mend("orders", lane)
        self.positions[member] = start + len(batch)

    async def check_heads(self) -> None:
        await self.mender.check_heads("orders")

    async def lose(self) -> None:
        """The topic loses its tail, or its beginning, or is made anew."""
        log, n = self.topic.log, self.random.randint(0, 4)
        self.topic.log = self.random.choice([log[: max(0, len(log) - n)], log[n:], []])

    async def retry(self) -> None:
        await retry_parked(self.till, self.service)

    async def drain(self) -> None:
        """Let everybody work until nothing is left: relay, consumer by the heads, parked events."""
        while window := await self.relay._window(self.session):
            self.known |= {record.id: record for record in window}
            await self.relay._send(self.session, self.producer, window)
        for _ in range(2):
            await self.mender.check_heads("orders")
        await retry_parked(self.till, self.service)


def arm(point: str, passes: int) -> None:
    """Let the process die at a point."""
    points._FAULT, points._left = f"{point}:{passes}:kill", passes


def disarm() -> None:
    points._FAULT = ""


def dying() -> None:
    """Make ``reach`` raise where it would kill the process of these very tests."""

    def die(*_: object) -> None:
        disarm()
        raise Crash

    points.os = SimpleNamespace(kill=die, getpid=lambda: 0)  # type: ignore[assignment, attr-defined]


async def refuse(*_: object) -> None:
    message = "the session is gone"
    raise asyncpg.InterfaceError(message)
