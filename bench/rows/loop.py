"""The lane consumer's loop, without handlers, against a raw read of the same topic."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer, ConsumerRecord

from bench.race import Lap, Race, Row
from bench.reading import Clock, Timed, reader
from bench.servers import PARTITIONS, Servers
from bench.share import scaled, unit
from bench.stopwatch import HERE, Meter, until_over
from bench.track import Track
from chassis.closing import connected
from chassis.consume.lane_consumer import FETCH

AT_ONCE = 500
RECORDS = scaled(240_000, AT_ONCE)
BODY = b"x" * 800


class Reading:
    """A topic that is read by a group of its own each time."""

    def __init__(self, servers: Servers, topic: str) -> None:
        """Name where it is."""
        self.servers, self.topic = servers, topic

    async def floor(self) -> Lap:
        """Ask for what is there until all of it has come."""
        clock = Clock(Meter)
        consumer = reader(self.servers.kafka.bootstrap, [self.topic], clock)
        async with connected(consumer.start, consumer.stop):
            read = 0
            while read < RECORDS:
                read += sum(map(len, (await consumer.getmany(timeout_ms=100, max_records=4 * FETCH)).values()))
            return clock.meter.rate(RECORDS)

    async def ours(self) -> Lap:
        """Consume with a handler of batches that does nothing, until all of it has come. Raises RuntimeError."""
        read, over, laps, clock = 0, asyncio.Event(), list[Lap](), Clock(Meter)

        async def apply(_: str, batch: Sequence[ConsumerRecord]) -> None:
            nonlocal read
            read += len(batch)
            if read >= RECORDS:
                laps.append(clock.meter.rate(RECORDS))
                over.set()

        await until_over(Timed(self.servers.kafka.bootstrap, [self.topic], apply, clock).run(), over)
        if read != RECORDS:
            message = f"{read} records were handed over of {RECORDS}"
            raise RuntimeError(message)
        return laps[0]


@asynccontextmanager
async def open_reading(track: Track) -> AsyncIterator[Race]:
    """Fill a topic."""
    servers = await track.servers()
    producer = AIOKafkaProducer(bootstrap_servers=servers.kafka.bootstrap, acks="all", max_batch_size=512 * 1024)
    async with servers.topic() as topic:
        async with connected(producer.start, producer.stop):
            for start in range(0, RECORDS, AT_ONCE):
                batch = producer.create_batch()
                for _ in range(AT_ONCE):
                    batch.append(key=None, value=BODY, timestamp=None)
                await (await producer.send_batch(batch, topic, partition=start // AT_ONCE % PARTITIONS))
        yield Reading(servers, topic)


ROWS = (
    Row(
        "loop",
        "CPU of the lane consumer's loop for one record, without handlers",
        "getmany of the same topic",
        unit("records/s"),
        bar=1.3,
        least=False,
        open=open_reading,
        by="cpu",
        cpu_of=HERE,
    ),
)
