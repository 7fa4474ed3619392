"""Topics from outside: any producer, any partitioner, no numbers. A message and how far we have read are one commit.

Nobody numbers these messages, so offsets are all there is to go by, and a topic made anew counts from zero again, under
a reader that never noticed. So the last message read is marked: before anything after it is stored, and every few
seconds, the message at its place is looked at, and if it is another one, all is read again. Repeats do no harm; a
message passed over would be lost.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import NamedTuple

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from chassis.closing import connected
from chassis.consume.lane_consumer import LONGEST_POLL_MS
from chassis.database import TROUBLE, Database
from chassis.events.unit import Unit, unit_of_work
from chassis.points import reach
from chassis.service import Service

Holds = Callable[[TopicPartition, "Mark"], Awaitable[bool]]
"""Tells whether a topic has the marked message, or had it before it was too old to be kept."""
LOOK_PATIENCE = 10
log = structlog.get_logger()


class AnotherTopic(Exception):
    """Where the last message was is another one now: the topic was made anew, or set back."""


class MarkMoved(Exception):
    """What was noted of a partition is not what this reader goes by: another one read on, or began again."""


class Mark(NamedTuple):
    """The last message that was read from a partition: its offset, and a digest that tells it from any other."""

    offset: int
    digest: bytes

    @classmethod
    def of(cls, record: ConsumerRecord) -> "Mark":
        """Mark a message."""
        said = (record.timestamp, record.key, record.value)
        return cls(record.offset, hashlib.blake2b(repr(said).encode(), digest_size=16).digest())


@asynccontextmanager
async def lookup(bootstrap: str) -> AsyncIterator[Holds]:
    """Connect a consumer that looks messages up, one at a time."""
    kafka = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest",
        fetch_max_wait_ms=LONGEST_POLL_MS,
    )  # fmt: skip
    one = asyncio.Lock()

    async def holds(partition: TopicPartition, mark: Mark) -> bool:
        """Look at the place of a mark. Nobody waits there for a message to come: that would keep all partitions."""
        async with one, asyncio.timeout(LOOK_PATIENCE):
            if (await kafka.end_offsets([partition]))[partition] <= mark.offset:
                return False
            if (await kafka.beginning_offsets([partition]))[partition] > mark.offset:
                return True
            kafka.assign([partition])
            kafka.seek(partition, mark.offset)
            return Mark.of(await kafka.getone(partition)) == mark

    async with connected(kafka.start, kafka.stop):
        yield holds


class OutsideReader:
    """Takes what topics from outside bring into the intake."""

    def __init__(
        self, database: Database, service: Service, holds: Holds, stored: asyncio.Event, prefix: str = ""
    ) -> None:
        self.database, self.service, self.stored, self.prefix = database, service, stored, prefix
        self._holds, self._marks = holds, dict[TopicPartition, Mark]()

    async def begin(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return where to read on in partitions: after the marked message, or at the beginning."""
        rows = await self.database.pool.fetch("select topic, partition, last_offset, mark from chassis.outside")
        known = {TopicPartition(topic, number): Mark(offset, digest) for topic, number, offset, digest in rows}
        mine = list(partitions)
        self._marks = {each: known[each] for each in mine if each in known}
        return {each: known[each].offset + 1 if each in known else 0 for each in mine}

    async def apply(self, topic: str, records: Sequence[ConsumerRecord]) -> None:
        """Store a batch of one partition, for as long as it takes. Raises AnotherTopic and MarkMoved."""
        partition, last = TopicPartition(topic, records[0].partition), Mark.of(records[-1])
        mark = self._marks.get(partition)
        if mark:
            await self._compare(partition, mark)
        for attempt in count():
            try:
                if attempt and await self._is_noted(partition, last):
                    break  # that commit was done, only its answer was lost
                async with self.database.background, unit_of_work(self.database, self.service.name) as unit:
                    await self.service.outside[topic.removeprefix(self.prefix)](unit, [r.value or b"" for r in records])
                    reach("outside.stored")
                    await _write(unit, partition, mark, last)
            except TROUBLE as error:
                log.warning("intake met trouble", topic=topic, error=type(error).__name__)
                await asyncio.sleep(0.5)
            else:
                break
        self._marks[partition] = last
        self.stored.set()

    async def _is_noted(self, partition: TopicPartition, mark: Mark) -> bool:
        noted = "select last_offset, mark from chassis.outside where (topic, partition) = ($1, $2)"
        row = await self.database.pool.fetchrow(noted, *partition)
        return row is not None and Mark(*row) == mark

    async def watch(self, every: float) -> None:
        """Look at the marked messages again and again, for topics in which nothing follows. Raises AnotherTopic."""
        while True:
            await asyncio.sleep(every)
            for partition, mark in list(self._marks.items()):
                with suppress(KafkaError, TimeoutError):  # a topic that is away, or empty, tells nothing
                    await self._compare(partition, mark)

    async def _compare(self, partition: TopicPartition, mark: Mark) -> None:
        """Look whether the marked message is where it was. Raises AnotherTopic."""
        if await self._holds(partition, mark):
            return
        log.error("a topic was made anew or set back: all of it is read again", topic=partition.topic)
        await self.database.pool.execute("delete from chassis.outside where topic = $1", partition.topic)
        raise AnotherTopic


async def _write(unit: Unit, partition: TopicPartition, before: Mark | None, last: Mark) -> None:
    """Note the last message where the one before is still noted. Raises MarkMoved, which undoes the unit."""
    if before:
        noted = await unit.connection.fetchval(
            "update chassis.outside set last_offset = $3, mark = $4"
            " where (topic, partition, last_offset, mark) = ($1, $2, $5, $6) returning true",
            *partition,
            *last,
            *before,
        )
    else:
        noted = await unit.connection.fetchval(
            "insert into chassis.outside (topic, partition, last_offset, mark) values ($1, $2, $3, $4)"
            " on conflict do nothing returning true",
            *partition,
            *last,
        )
    if not noted:
        raise MarkMoved
