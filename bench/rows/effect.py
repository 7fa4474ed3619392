"""What an order brings in another service: from its event in orders to the points committed in loyalty.

Against the least that two processes need to pass something on: a record produced, consumed, and committed. At a tenth
of what the whole suite does when it is sent as much as it will take: that rate is measured when the row opens, from the
first webhook to the last points. Both arrive by chance, at the same instants.

The orders are of firms that are known, whom they belong to at once: one event goes from one service to the other, as at
the floor. Ours counts from the event's own commit; how long it takes from when the webhook was due, with three commits
more, is told beside it. When something was committed PostgreSQL itself tells (see commits), and at the floor who
commits.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.arrivals import at_once, keep_pace, percentile, schedule, slowest
from bench.at_work import Suite, at_work
from bench.commits import PAYMENTS, POINTS, Commits, commits
from bench.posting import lines
from bench.race import Lap, Race, Row
from bench.roads import HANDS, by_import
from bench.servers import PARTITIONS
from bench.share import say, scaled, unit
from bench.track import Track
from chassis.closing import connected
from schemas.ids import order_id
from tests.shop import ShopOrder

FIRMS, TOTAL = 500, 1_000
SAMPLES = scaled(2_000, 100)
TO_SATURATE = scaled(3_000, 100)
SHARE = 10
CONNECTIONS = 8
"""As in the row of webhooks."""
PATIENCE = 60.0
"""Seconds in which the floor's record is committed; what comes later does not come."""
STORE = "insert into stored (body) select unnest($1::bytea[])"


class Hearing(NamedTuple):
    """What is heard of payments in orders, and of points in loyalty."""

    payments: Commits
    points: Commits


class Passing:
    """A suite at work with firms that it knows, and a topic and a table beside it."""

    def __init__(self, suite: Suite, hearing: Hearing, topic: str, beside: str) -> None:
        """Name all four."""
        self.suite, self._hearing, self._topic, self._beside = suite, hearing, topic, beside
        self._firms: list[str] = []
        self._saturated = 0.0

    async def warm_up(self) -> None:
        """Make the firms known, and see how many orders in a second come to their points."""
        first = self.suite.orders(FIRMS, TOTAL)
        await (await by_import(self.suite))(first)
        await self.suite.at_rest()
        self._firms = [order.ico for order in first]
        orders = self._orders(TO_SATURATE)
        webhooks = [self.suite.webhook(order) for order in orders]
        began = time.perf_counter()
        async with lines(self.suite.base("orders"), HANDS) as opened:
            await at_once(TO_SATURATE, HANDS, lambda number: opened.send(webhooks[number]))
        ids = self._ids(orders)
        await self._hearing.points.wait(ids)
        self._saturated = TO_SATURATE / (max(self._hearing.points.at[each] for each in ids) - began)
        await self.suite.at_rest()
        lap = SAMPLES * SHARE / self._saturated
        say(f"effect: {self._saturated:,.0f} a second at most; a lap takes {lap:,.0f} s")

    async def ours(self) -> Lap:
        """Send webhooks, and hear when their points are there."""
        orders = self._orders(SAMPLES)
        webhooks, ids = [self.suite.webhook(order) for order in orders], self._ids(orders)
        async with lines(self.suite.base("orders"), CONNECTIONS) as opened:
            served = await keep_pace("effect", self._instants(), lambda number: opened.send(webhooks[number]))
        await self._hearing.points.wait(ids)
        await self.suite.at_rest()
        ended = [self._hearing.points.at[each] for each in ids]
        webhook = [end - each.due for end, each in zip(ended, served, strict=True)]
        also = {"from the webhook": percentile(webhook, 99) * 1e3, "its median": percentile(webhook, 50) * 1e3}
        return self._lap([end - self._hearing.payments.at[each] for end, each in zip(ended, ids, strict=True)], **also)

    async def floor(self) -> Lap:
        """Produce their bytes, consume and commit them."""
        bodies = [order.body() for order in self._orders(SAMPLES)]
        async with passing_on(self.suite.servers.kafka.bootstrap, self._topic, self._beside) as send:
            served = await keep_pace("effect", self._instants(), lambda number: send(number, bodies[number]))
        return self._lap([each.done - each.due for each in served])

    def _orders(self, number: int) -> list[ShopOrder]:
        return self.suite.orders(number, TOTAL, self._firms)

    def _ids(self, orders: Sequence[ShopOrder]) -> list[UUID]:
        channel = UUID(self.suite.load.shop.channel)
        return [order_id(channel, str(order.number)) for order in orders]

    def _instants(self) -> list[float]:
        return schedule(self._saturated / SHARE, SAMPLES, seed=SAMPLES)

    def _lap(self, seconds: Sequence[float], **also: float) -> Lap:
        return slowest(seconds, rate=self._saturated / SHARE, saturated=self._saturated, **also)


@asynccontextmanager
async def passing_on(bootstrap: str, topic: str, dsn: str) -> AsyncIterator[Callable[[int, bytes], Awaitable[object]]]:
    """Give what sends a record and waits until it was consumed and committed; what is there at a time is one commit.

    Who commits ends everything when it fails; what is not committed in time raises TimeoutError.
    """
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    committed: defaultdict[bytes, asyncio.Event] = defaultdict(asyncio.Event)

    async def send(number: int, body: bytes) -> None:
        key = str(number).encode()
        await producer.send(topic, body, key=key)
        async with asyncio.timeout(PATIENCE):
            await committed[key].wait()

    async def commit(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        while True:
            found = await consumer.getmany(timeout_ms=1_000)
            records = [record for some in found.values() for record in some]
            if records:
                await connection.execute(STORE, [record.value for record in records])
            for record in records:
                committed[record.key].set()

    async with connected(producer.start, producer.stop), connected(consumer.start, consumer.stop):
        consumer.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
        await consumer.seek_to_end()
        connection = await asyncpg.connect(dsn)
        try:
            async with asyncio.TaskGroup() as tasks:
                committing = tasks.create_task(commit(connection))
                yield send
                committing.cancel()
        finally:
            connection.terminate()


@asynccontextmanager
async def open_passing(track: Track) -> AsyncIterator[Race]:
    """Start a suite and hear of it, make a topic and a table beside it, and see how much the suite does."""
    servers = await track.servers()
    async with AsyncExitStack() as stack:
        topic = await stack.enter_async_context(servers.topic())
        suite = await stack.enter_async_context(at_work(servers))
        beside = await stack.enter_async_context(servers.beside())
        heard = (commits(suite.rig.dsn("orders"), PAYMENTS), commits(suite.rig.dsn("loyalty"), POINTS))
        payments, points = [await stack.enter_async_context(each) for each in heard]
        race = Passing(suite, Hearing(payments, points), topic, beside)
        await race.warm_up()
        yield race


ROWS = (
    Row(
        "effect",
        "points in loyalty, from the order's event, the slowest of a hundred, at a tenth of the saturated rate",
        "a record produced, consumed and committed, at the same instants",
        unit("ms"),
        bar=3,
        least=False,
        open=open_passing,
    ),
)
