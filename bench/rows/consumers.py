"""Each service's consumer, with all that it does, against reading, decoding and copying the same rows.

The rows are those that the service itself wrote in the round to warm up. The floor copies what was added, into the same
tables with the same indexes; of rows that were changed in place it does nothing, nor does it look at foreign keys: it
has to do less than any service could.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from bench.race import Lap, Race, Row
from bench.recorded import Recorded, rows_of
from bench.servers import opened
from bench.share import unit
from bench.stopwatch import Stopwatch, until_over
from bench.track import Track
from chassis.closing import connected
from chassis.consume.feed_client import FeedClient
from chassis.consume.lane_consumer import FETCH, LaneConsumer
from chassis.consume.mending import Mender
from chassis.consume.subscription import Subscription
from chassis.consume.topic_reader import TopicReader
from chassis.events.record import event_of, from_headers
from chassis.run.serve import load_service
from tests.rig import SERVICES

Added = dict[str, list[tuple[object, ...]]]


class Consuming:
    """What one service hears of a suite that has worked."""

    def __init__(self, recorded: Recorded, name: str, records: int) -> None:
        """Name the service and how many records its topics have."""
        self.recorded, self.service, self.records = recorded, load_service(name), records
        self._types = self.service.part("main").event_types()
        self._added: Added = {}

    @property
    def topics(self) -> list[str]:
        """What it reads."""
        return [self.recorded.rig.prefix + source for source in self.service.sources()]

    async def ours(self) -> Lap:
        """Consume from the state before the first order until every record has been applied."""
        async with self.recorded.anew(self.service.name) as dsn:
            lap = await self.consume(dsn)
            if not self._added:
                before = await rows_of(self.recorded.servers.dsn(self.recorded.before[self.service.name]))
                self._added = added(await rows_of(dsn), before)
            return lap

    async def consume(self, dsn: str) -> Lap:
        """Apply every record to a database that is as it was before the first order."""
        over, laps, applied = asyncio.Event(), list[Lap](), 0
        watch: Stopwatch | None = None
        async with opened(dsn) as database:
            subscription = Subscription(database, self.service)
            feed = FeedClient(lambda source: f"http://127.0.0.1:{self.recorded.rig.ports[source]}", "nobody")
            reader = TopicReader(subscription, Mender(subscription, feed), self.recorded.rig.prefix)

            async def apply(topic: str, batch: Sequence[ConsumerRecord]) -> None:
                nonlocal applied, watch
                watch = watch or Stopwatch()
                await reader.apply(topic, batch)
                applied += len(batch)
                if applied >= self.records:
                    laps.append(watch.rate(self.records))
                    over.set()

            bootstrap = self.recorded.servers.kafka.bootstrap
            try:
                await until_over(LaneConsumer(bootstrap, uuid4().hex, self.topics, apply).run(), over)
            finally:
                await feed.close()
        return laps[0]

    async def floor(self) -> Lap:
        """Read, decode what the service hears, and copy its rows: a transaction for each partition, all at once."""
        consumer = AIOKafkaConsumer(
            *self.topics, bootstrap_servers=self.recorded.servers.kafka.bootstrap, group_id=uuid4().hex,
            enable_auto_commit=False, auto_offset_reset="earliest", max_partition_fetch_bytes=2 * 1024 * 1024,
        )  # fmt: skip
        async with (
            self.recorded.anew(self.service.name) as dsn,
            asyncpg.create_pool(
                dsn, min_size=1, max_size=6, server_settings={"session_replication_role": "replica"}
            ) as pool,
            connected(consumer.start, consumer.stop),
        ):
            read, watch = 0, None
            while read < self.records:
                found = await consumer.getmany(timeout_ms=100, max_records=4 * FETCH)
                watch = watch or Stopwatch()
                copying = []
                for place, batch in found.items():
                    self._decode(place, batch)
                    copying.append(self._copy(pool, read, read + len(batch)))
                    read += len(batch)
                await asyncio.gather(*copying)
            return watch.rate(self.records) if watch else Lap(0)

    def _decode(self, place: TopicPartition, batch: Sequence[ConsumerRecord]) -> None:
        source = place.topic.removeprefix(self.recorded.rig.prefix)
        for found in batch:
            said = from_headers(source, found.key, found.headers, found.value)
            if kind := self._types.get(said.type):
                event_of(said, kind)

    async def _copy(self, pool: "asyncpg.Pool[asyncpg.Record]", start: int, end: int) -> None:
        async with pool.acquire() as connection, connection.transaction():
            for table, rows in self._added.items():
                part = rows[len(rows) * start // self.records : len(rows) * end // self.records]
                schema, name = table.split(".")
                await connection.copy_records_to_table(name, schema_name=schema, records=part)


def added(after: Added, before: Added) -> Added:
    """Return the rows that are new, of tables in which none was changed in place or taken out."""
    found = {}
    for table, rows in after.items():
        known = set(map(repr, before.get(table, [])))
        new = [row for row in rows if repr(row) not in known]
        if new and len(rows) - len(new) == len(known):
            found[table] = new
    return found


@asynccontextmanager
async def open_consuming(name: str, track: Track) -> AsyncIterator[Race]:
    """Give what a service hears of the suite that has worked, heard once already."""
    race = await consuming(name, track)
    await race.ours()  # whose rows the floor copies
    yield race


async def consuming(name: str, track: Track) -> Consuming:
    """Count what a service hears of the suite that has worked."""
    recorded = await track.recorded()
    race = Consuming(recorded, name, 0)
    race.records = await _count(recorded.servers.kafka.bootstrap, race.topics)
    return race


async def _count(bootstrap: str, topics: Sequence[str]) -> int:
    consumer = AIOKafkaConsumer(*topics, bootstrap_servers=bootstrap)
    async with connected(consumer.start, consumer.stop):
        places = [TopicPartition(topic, n) for topic in topics for n in consumer.partitions_for_topic(topic)]
        return sum((await consumer.end_offsets(places)).values())


def row(service: str) -> Row:
    """Return the row of a service."""
    floor = "read, decode and COPY of the same rows into the same tables"
    return Row(
        f"consume-{service}",
        f"events applied by {service}",
        floor,
        unit("events/s"),
        0.7,
        True,
        partial(open_consuming, service),
    )


ROWS = tuple(map(row, SERVICES))
