"""Topics from outside: any producer, any partitioner, no numbers. A message and how far we have read are one commit.

Nobody numbers these messages, so offsets are all there is to go by, and a topic made anew counts from zero again. So
the last message read is marked with its bytes: who begins to read looks at it first, and reads all again if it is
another one. Repeats do no harm, a decision knows them; a skipped message would be lost.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Sequence

import structlog
from aiokafka import ConsumerRecord, TopicPartition

from chassis.database import TROUBLE, Database
from chassis.events.unit import Unit, unit_of_work
from chassis.service import Service

log = structlog.get_logger()


class AnotherTopic(Exception):
    """Where the last message was is another one now: the topic was made anew, or set back."""


class OutsideReader:
    """Takes what topics from outside bring into the intake."""

    def __init__(self, database: Database, service: Service, stored: asyncio.Event, prefix: str = "") -> None:
        self.database, self.service, self.stored, self.prefix = database, service, stored, prefix
        self._marks: dict[TopicPartition, bytes] = {}

    async def begin(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return where to begin: at the last message read, to look at it again, else at the beginning."""
        rows = await self.database.pool.fetch("select topic, partition, last_offset, mark from chassis.outside")
        known = {TopicPartition(row["topic"], row["partition"]): row for row in rows}
        mine = list(partitions)
        self._marks = {each: known[each]["mark"] for each in mine if each in known}
        return {each: known[each]["last_offset"] if each in known else 0 for each in mine}

    async def apply(self, topic: str, records: Sequence[ConsumerRecord]) -> None:
        """Store a batch of one partition, for as long as it takes. Raises AnotherTopic."""
        partition = TopicPartition(topic, records[0].partition)
        if mark := self._marks.pop(partition, None):
            if mark != mark_of(records[0]):
                log.error("a topic was made anew or set back: all of it is read again", topic=topic)
                await self._forget(partition)
                raise AnotherTopic
            records = records[1:]
        while records:
            try:
                async with self.database.background, unit_of_work(self.database, self.service.name) as unit:
                    await self.service.outside[topic.removeprefix(self.prefix)](unit, [r.value or b"" for r in records])
                    await _mark(unit, partition, records[-1])
            except TROUBLE as error:
                log.warning("intake met trouble", topic=topic, error=type(error).__name__)
                await asyncio.sleep(0.5)
            else:
                self.stored.set()
                return

    async def _forget(self, partition: TopicPartition) -> None:
        await self.database.pool.execute(
            "delete from chassis.outside where topic = $1 and partition = $2", partition.topic, partition.partition
        )


def mark_of(record: ConsumerRecord) -> bytes:
    """Return what tells a message from any other at its place."""
    said = (record.offset, record.timestamp, record.key, record.value)
    return hashlib.blake2b(repr(said).encode(), digest_size=16).digest()


async def _mark(unit: Unit, partition: TopicPartition, last: ConsumerRecord) -> None:
    await unit.connection.execute(
        "insert into chassis.outside (topic, partition, last_offset, mark) values ($1, $2, $3, $4)"
        " on conflict (topic, partition) do update set last_offset = excluded.last_offset, mark = excluded.mark",
        partition.topic,
        partition.partition,
        last.offset,
        mark_of(last),
    )
