"""Each service's consumer, with all that it does, against reading, decoding and copying the same rows.

The rows are those that the service itself wrote in the round to warm up. The floor copies what was added, into the same
tables with the same indexes; of rows that were changed in place it does nothing, nor does it look at foreign keys: it
has to do less than any service could. As the service does, it reads on while it copies, in a transaction for each
partition, six at a time.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import asyncpg
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from bench.race import Lap, Race, Row
from bench.reading import Clock, Timed, reader
from bench.recorded import Recorded
from bench.servers import HERE_AND_SERVERS, opened, pool_of
from bench.share import say, unit
from bench.stopwatch import until_over
from bench.tables import Added, Unfinished, added, copy_part, count_of, rows_of
from bench.track import Track
from chassis.closing import connected
from chassis.consume.feed_client import FeedClient
from chassis.consume.lane_consumer import FETCH
from chassis.consume.mending import Mender
from chassis.consume.retry import retry_parked
from chassis.consume.subscription import Subscription
from chassis.consume.topic_reader import TopicReader
from chassis.database import Database
from chassis.events.record import event_of, from_headers
from chassis.run.serve import load_service
from tests.rig import SERVICES

AT_ONCE = 6
"""Transactions at a time, at either contestant's."""


class Consuming:
    """What one service hears of a suite that has worked."""

    def __init__(self, recorded: Recorded, name: str, records: int) -> None:
        """Name the service and how many records its topics have."""
        self.recorded, self.service, self.records = recorded, load_service(name), records
        self._types = self.service.part("main").event_types()
        self._added: Added = {}
        self._taken = 0

    @property
    def topics(self) -> list[str]:
        """What it reads."""
        return [self.recorded.rig.prefix + source for source in self.service.sources()]

    async def warm_up(self) -> None:
        """Consume it once, and keep for the floor the rows that this has added."""
        async with self.recorded.anew(self.service.name) as dsn:
            before = await rows_of(dsn)
            await self.consume(dsn)
            self._added, left_out = added(await rows_of(dsn), before)
        say(f"consume-{self.service.name}: the floor copies nothing of {', '.join(left_out) or 'no table'}")

    async def ours(self) -> Lap:
        """Consume from the state before the first order until every record has been applied."""
        async with self.recorded.anew(self.service.name) as dsn:
            return await self.consume(dsn)

    async def consume(self, dsn: str) -> Lap:
        """Apply every record to a database that is as it was before the first order, those that had to wait, too."""
        over, laps, applied, clock = asyncio.Event(), list[Lap](), 0, Clock(self.recorded.servers.meter)
        async with opened(dsn) as database:
            subscription = Subscription(database, self.service)
            feed = FeedClient(lambda source: f"http://127.0.0.1:{self.recorded.rig.ports[source]}", "nobody")
            reader = TopicReader(subscription, Mender(subscription, feed), self.recorded.rig.prefix)

            async def apply(topic: str, batch: Sequence[ConsumerRecord]) -> None:
                nonlocal applied
                await reader.apply(topic, batch)
                applied += len(batch)
                if applied >= self.records:
                    waited = await self._decide_parked(database)
                    lap = clock.meter.rate(self.records)
                    laps.append(lap._replace(also=(*lap.also, ("had to wait", waited))))
                    over.set()

            bootstrap = self.recorded.servers.kafka.bootstrap
            try:
                await until_over(Timed(bootstrap, self.topics, apply, clock).run(), over)
            finally:
                await feed.close()
        await self.recorded.check(self.service.name, dsn)
        return laps[0]

    async def _decide_parked(self, database: Database) -> int:
        """Decide what had to wait for events of other topics; return how many that was."""
        waited = 0
        while done := await retry_parked(database, self.service):
            waited += done
        return waited

    async def floor(self) -> Lap:
        """Read and decode what the service hears, and copy its rows meanwhile."""
        clock = Clock(self.recorded.servers.meter)
        consumer = reader(self.recorded.servers.kafka.bootstrap, self.topics, clock)
        async with (
            self.recorded.anew(self.service.name) as dsn,
            pool_of(dsn, AT_ONCE, AT_ONCE, session_replication_role="replica") as pool,
            connected(consumer.start, consumer.stop),
        ):
            before = await self._counts(pool)
            await self._read_and_copy(consumer, pool)
            lap = clock.meter.rate(self.records)
            expected = {name: before[name] + len(rows) for name, rows in zip(before, self._added.values(), strict=True)}
            if (found := await self._counts(pool)) != expected:
                message = f"the floor has copied {found}, not {expected}"
                raise Unfinished(message)
            return lap

    async def _read_and_copy(self, consumer: AIOKafkaConsumer, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        waiting: defaultdict[TopicPartition, list[ConsumerRecord]] = defaultdict(list)
        working: dict[TopicPartition, asyncio.Task[None]] = {}
        read, self._taken = 0, 0
        async with asyncio.TaskGroup() as tasks:
            while read < self.records:
                found = await consumer.getmany(timeout_ms=100, max_records=4 * FETCH)
                for place, records in found.items():
                    read += len(records)
                    waiting[place] += records
                    if place not in working or working[place].done():
                        working[place] = tasks.create_task(self._work_off(place, waiting[place], pool))

    async def _work_off(
        self, place: TopicPartition, waiting: list[ConsumerRecord], pool: "asyncpg.Pool[asyncpg.Record]"
    ) -> None:
        """Decode what waits of a partition and copy as large a part of the rows, transaction by transaction."""
        while waiting:
            async with pool.acquire() as connection, connection.transaction():
                batch = waiting[:FETCH]
                del waiting[:FETCH]
                self._decode(place, batch)
                start, self._taken = self._taken, self._taken + len(batch)
                await copy_part(connection, self._added, start, self._taken, self.records)

    def _decode(self, place: TopicPartition, batch: Sequence[ConsumerRecord]) -> None:
        source = place.topic.removeprefix(self.recorded.rig.prefix)
        for found in batch:
            said = from_headers(source, found.key, found.headers, found.value)
            if kind := self._types.get(said.type):
                event_of(said, kind)

    async def _counts(self, pool: "asyncpg.Pool[asyncpg.Record]") -> dict[str, int]:
        async with pool.acquire() as connection:
            return await count_of(connection, self._added)


@asynccontextmanager
async def open_consuming(name: str, track: Track) -> AsyncIterator[Race]:
    """Give what a service hears of the suite that has worked, heard once already."""
    race = await consuming(name, track)
    await race.warm_up()
    yield race


async def consuming(name: str, track: Track) -> Consuming:
    """Count what a service hears of the suite that has worked."""
    recorded = await track.recorded()
    race = Consuming(recorded, name, 0)
    race.records = await recorded.servers.records(race.topics)
    return race


def row(service: str) -> Row:
    """Return the row of a service."""
    return Row(
        f"consume-{service}",
        f"events applied by {service}",
        "read, decode and COPY of the same rows into the same tables",
        unit("events/s"),
        bar=0.7,
        least=True,
        open=partial(open_consuming, service),
        cpu_of=HERE_AND_SERVERS,
    )


ROWS = tuple(map(row, SERVICES))
