"""Where a reader of a topic from outside begins: Kafka's client fetches before it asks, and from its own offsets."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition

from chassis.consume.lane_consumer import LaneConsumer
from chassis.testing import Bench
from shared.chassis.tests.conftest import CLIENT

Make = Any


class Reading:
    """A reader that learns where to begin only when something was fetched; ``read`` are the offsets it was given."""

    def __init__(self, topic: Any, *, fails: bool) -> None:
        self.read, self.fails = list[int](), fails
        self.fetched, self.all_read = asyncio.Event(), asyncio.Event()
        self.consumer = LaneConsumer(
            topic.bootstrap, f"{topic.prefix}till.outside", [topic.name], self.apply, begin=self.begin
        )
        self._getmany = self.consumer._consumer.getmany
        self.consumer._consumer.getmany = self.getmany

    async def apply(self, _: str, batch: Sequence[ConsumerRecord]) -> None:
        self.read += [record.offset for record in batch]
        if len(self.read) >= 3:
            self.all_read.set()

    async def begin(self, assigned: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        await self.fetched.wait()
        if self.fails:
            raise ConnectionResetError
        return dict.fromkeys(assigned, 0)

    async def getmany(
        self, *partitions: TopicPartition, **limits: int
    ) -> Mapping[TopicPartition, Sequence[ConsumerRecord]]:
        found: Mapping[TopicPartition, Sequence[ConsumerRecord]] = await self._getmany(*partitions, **limits)
        if found:
            self.fetched.set()
        return found


async def test_a_reader_that_does_not_learn_where_to_begin_reads_nothing(
    topic: Any, bench: Bench, placed: Make
) -> None:
    await topic.send(*await bench.numbered(*(placed(CLIENT, 1) for _ in range(3))))
    reading = Reading(topic, fails=True)
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reading.consumer.run(), 30)
    assert reading.fetched.is_set()
    assert reading.read == []


async def test_a_reader_reads_from_where_it_is_to_begin_whatever_was_fetched_before(
    topic: Any, bench: Bench, placed: Make
) -> None:
    await topic.send(*await bench.numbered(*(placed(CLIENT, 1) for _ in range(3))))
    reading = Reading(topic, fails=False)
    task = asyncio.create_task(reading.consumer.run())
    await asyncio.wait_for(reading.all_read.wait(), 30)
    task.cancel()
    await asyncio.wait([task])
    assert reading.read == [0, 1, 2]
