"""The floor of consumers reads on while it copies, several partitions at once, and copies all rows."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from typing import Any, cast

import pytest
from aiokafka import TopicPartition

from bench.rows import consumers
from bench.rows.consumers import Consuming
from chassis.consume.lane_consumer import FETCH

PLACES = [TopicPartition("clients", number) for number in range(3)]
PER_ANSWER, ANSWERS = 400, 4


class Broker:
    """Answers some records of each partition at a time; ``all_read`` is set with the last answer."""

    def __init__(self) -> None:
        self.answers = 0
        self.all_read = asyncio.Event()

    async def getmany(self, **_: object) -> Mapping[TopicPartition, list[None]]:
        await asyncio.sleep(0)
        self.answers += 1
        if self.answers == ANSWERS:
            self.all_read.set()
        return {place: [None] * PER_ANSWER for place in PLACES}


class Pool:
    """Lends itself, and counts to how many at once."""

    def __init__(self) -> None:
        self.lent = self.most = 0

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator["Pool"]:
        self.lent += 1
        self.most = max(self.most, self.lent)
        yield self
        self.lent -= 1

    def transaction(self) -> Any:
        return nullcontext()


async def test_it_reads_on_while_partitions_are_copied_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    broker, pool, copied = Broker(), Pool(), list[tuple[int, int]]()
    total = PER_ANSWER * ANSWERS * len(PLACES)

    async def copy_part(_connection: object, _added: object, start: int, end: int, whole: int) -> None:
        await broker.all_read.wait()
        assert whole == total
        copied.append((start, end))

    monkeypatch.setattr(consumers, "copy_part", copy_part)
    monkeypatch.setattr(Consuming, "_decode", lambda *_: None)
    race = Consuming(cast("Any", None), "loyalty", total)
    async with asyncio.timeout(10):
        await race._read_and_copy(cast("Any", broker), cast("Any", pool))
    assert pool.most == len(PLACES)
    assert max(end - start for start, end in copied) == FETCH, "what waited is one transaction"
    ends = [0, *(end for _, end in sorted(copied))]
    assert [start for start, _ in sorted(copied)] == ends[:-1]
    assert ends[-1] == total


async def test_a_copy_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def copy_part(*_: object) -> None:
        message = "disk full"
        raise OSError(message)

    monkeypatch.setattr(consumers, "copy_part", copy_part)
    monkeypatch.setattr(Consuming, "_decode", lambda *_: None)
    race = Consuming(cast("Any", None), "loyalty", 10**9)
    with pytest.raises(ExceptionGroup) as failed:
        async with asyncio.timeout(10):
            await race._read_and_copy(cast("Any", Broker()), cast("Any", Pool()))
    assert {str(each) for each in failed.value.exceptions} == {"disk full"}
