"""The lane consumer's loop, without handlers, against a raw read of the same topic."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord

from bench.race import Lap, Race, Row
from bench.servers import PARTITIONS
from bench.stopwatch import Stopwatch, until_over
from bench.track import Track
from chassis.closing import connected
from chassis.consume.lane_consumer import FETCH, LaneConsumer

RECORDS, AT_ONCE = 240_000, 500
BODY = b"x" * 800


class Reading:
    """A topic that is read by a group of its own each time."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        """Name where it is."""
        self.bootstrap, self.topic = bootstrap, topic

    async def floor(self) -> Lap:
        """Ask for what is there until all of it has come."""
        consumer = AIOKafkaConsumer(
            self.topic, bootstrap_servers=self.bootstrap, group_id=f"floor-{uuid4().hex}", enable_auto_commit=False,
            auto_offset_reset="earliest", max_partition_fetch_bytes=2 * 1024 * 1024,
        )  # fmt: skip
        async with connected(consumer.start, consumer.stop):
            read, watch = 0, None
            while read < RECORDS:
                found = await consumer.getmany(timeout_ms=100, max_records=4 * FETCH)
                watch = watch or Stopwatch()
                read += sum(map(len, found.values()))
            return watch.rate(RECORDS) if watch else Lap(0)

    async def ours(self) -> Lap:
        """Consume with a handler of batches that does nothing, until all of it has come."""
        read, over, laps = 0, asyncio.Event(), list[Lap]()
        watch: Stopwatch | None = None

        async def apply(_: str, batch: Sequence[ConsumerRecord]) -> None:
            nonlocal read, watch
            watch = watch or Stopwatch()
            read += len(batch)
            if read >= RECORDS:
                laps.append(watch.rate(RECORDS))
                over.set()

        await until_over(LaneConsumer(self.bootstrap, f"ours-{uuid4().hex}", [self.topic], apply).run(), over)
        return laps[0]


@asynccontextmanager
async def open_reading(track: Track) -> AsyncIterator[Race]:
    """Fill a topic."""
    servers = await track.servers()
    topic = await servers.topic()
    producer = AIOKafkaProducer(bootstrap_servers=servers.kafka.bootstrap, acks="all", max_batch_size=512 * 1024)
    async with connected(producer.start, producer.stop):
        for start in range(0, RECORDS, AT_ONCE):
            batch = producer.create_batch()
            for _ in range(AT_ONCE):
                batch.append(key=None, value=BODY, timestamp=None)
            await (await producer.send_batch(batch, topic, partition=start // AT_ONCE % PARTITIONS))
    yield Reading(servers.kafka.bootstrap, topic)


ROWS = (
    Row(
        "loop",
        "CPU of the lane consumer's loop for one record, without handlers",
        "getmany of the same topic",
        "records/s",
        bar=1.3,
        least=False,
        open=open_reading,
        by="cpu",
    ),
)
