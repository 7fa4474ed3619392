"""Topics from outside are read on after a marked message, and from the beginning where another one is in its place."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition

from chassis.consume import outside
from chassis.consume.intake import store_intake
from chassis.consume.lane_consumer import LaneConsumer
from chassis.consume.outside import AnotherTopic, Mark, MarkMoved, OutsideReader, lookup
from chassis.database import Database
from chassis.events.unit import Unit, unit_of_work
from chassis.service import Service
from chassis.testing import Bench

TOPIC = "slips"
PLACE = TopicPartition(TOPIC, 3)


async def accept(unit: Unit, bodies: Sequence[bytes]) -> None:
    await store_intake(unit.connection, "slip", None, *bodies)


def message(offset: int, body: bytes, timestamp: int = 7) -> ConsumerRecord:
    return ConsumerRecord(TOPIC, 3, offset, timestamp, 0, None, body, None, 0, len(body), ())


class Shelf:
    """What the topic holds now."""

    def __init__(self, *messages: ConsumerRecord) -> None:
        self.messages = list(messages)

    async def holds(self, _: TopicPartition, mark: Mark) -> bool:
        found = next((Mark.of(each) for each in self.messages if each.offset >= mark.offset), None)
        return found is not None and (found == mark or found.offset > mark.offset)


@pytest.fixture
def service() -> Service:
    made = Service("till")
    made.listen_outside(TOPIC, accept)
    return made


async def stored(bench: Bench) -> list[bytes]:
    return [row["body"] for row in await bench.rows("select body from chassis.intake order by id")]


async def reading(bench: Bench, service: Service, shelf: Shelf) -> OutsideReader:
    """Return a reader that has begun; the shelf's messages are those it finds."""
    reader = OutsideReader(bench.database, service, shelf.holds, asyncio.Event())
    await reader.begin([PLACE])
    return reader


async def test_reading_goes_on_after_the_last_message(bench: Bench, service: Service) -> None:
    shelf = Shelf(message(0, b"1"), message(1, b"2"), message(2, b"4"))
    reader = await reading(bench, service, shelf)
    assert await reader.begin([PLACE]) == {PLACE: 0}
    await reader.apply(TOPIC, shelf.messages[:2])
    later = OutsideReader(bench.database, service, shelf.holds, asyncio.Event())
    assert await later.begin([PLACE]) == {PLACE: 2}
    await later.apply(TOPIC, shelf.messages[2:])
    assert await stored(bench) == [b"1", b"2", b"4"]


@pytest.mark.parametrize("other", [message(1, b"another"), message(1, b"2", timestamp=8), message(0, b"2")])
@pytest.mark.parametrize("again", [False, True], ids=["under a reader", "at a start"])
async def test_another_message_in_its_place_means_all_is_read_again(
    bench: Bench, service: Service, other: ConsumerRecord, *, again: bool
) -> None:
    shelf = Shelf(message(0, b"1"), message(1, b"2"))
    reader = await reading(bench, service, shelf)
    await reader.apply(TOPIC, shelf.messages)
    shelf.messages = [other]
    reader = await reading(bench, service, shelf) if again else reader
    with pytest.raises(AnotherTopic):
        await reader.apply(TOPIC, [message(2, b"8")])
    assert await stored(bench) == [b"1", b"2"]
    assert await reader.begin([PLACE]) == {PLACE: 0}
    await reader.apply(TOPIC, [replace(other, offset=0), message(2, b"8")])
    assert await stored(bench) == [b"1", b"2", other.value, b"8"]


async def test_no_partition_is_read_on_where_another_one_showed_that_the_topic_is_another(
    bench: Bench, service: Service
) -> None:
    """Its batch may be in hand at that moment: what it passed over in the other topic would be lost."""
    elsewhere = TopicPartition(TOPIC, 4)
    shelf = Shelf(message(0, b"1"))
    reader = OutsideReader(bench.database, service, shelf.holds, asyncio.Event())
    await reader.begin([PLACE, elsewhere])
    for partition in (3, 4):
        await reader.apply(TOPIC, [replace(message(0, b"1"), partition=partition)])
    shelf.messages = [message(0, b"another")]
    with pytest.raises(AnotherTopic):
        await reader.apply(TOPIC, [message(1, b"2")])
    shelf.messages = [message(0, b"1")]
    with pytest.raises(MarkMoved):
        await reader.apply(TOPIC, [replace(message(1, b"2"), partition=4)])
    assert await stored(bench) == [b"1", b"1"]
    assert await reader.begin([PLACE, elsewhere]) == {PLACE: 0, elsewhere: 0}


async def test_a_topic_in_which_nothing_follows_is_looked_at_all_the_same(bench: Bench, service: Service) -> None:
    shelf = Shelf(message(0, b"1"))
    reader = await reading(bench, service, shelf)
    await reader.apply(TOPIC, shelf.messages)
    watching = asyncio.create_task(reader.watch(0.01))
    shelf.messages = [message(0, b"another")]
    with pytest.raises(AnotherTopic):
        await asyncio.wait_for(watching, 10)


async def test_a_message_that_is_kept_no_longer_is_taken_for_what_it_was(bench: Bench, service: Service) -> None:
    shelf = Shelf(message(0, b"1"))
    reader = await reading(bench, service, shelf)
    await reader.apply(TOPIC, shelf.messages)
    shelf.messages = [message(5, b"2")]
    await reader.apply(TOPIC, shelf.messages)
    assert await stored(bench) == [b"1", b"2"]


async def test_a_message_and_how_far_we_are_is_one_commit(bench: Bench, service: Service) -> None:
    async def refuse(unit: Unit, bodies: Sequence[bytes]) -> None:
        await accept(unit, bodies)
        raise ArithmeticError

    service.listen_outside(TOPIC, refuse)
    reader = await reading(bench, service, Shelf())
    with pytest.raises(ArithmeticError):
        await reader.apply(TOPIC, [message(0, b"1")])
    assert await stored(bench) == []
    assert await reader.begin([PLACE]) == {PLACE: 0}


async def test_a_message_is_looked_for_where_it_was(topic: Any) -> None:
    """Also beyond the end, and in a partition that is empty: nobody waits there for one to come."""
    await topic.send((1, b"a"), (1, b"b"), (2, b"c"))
    async with lookup(topic.bootstrap) as holds:
        for record in await topic.read():
            place, mark = TopicPartition(topic.name, record.partition), Mark.of(record)
            assert await holds(place, mark)
            assert not await holds(place, mark._replace(digest=b"another"))
            for beyond in (2, 7):
                assert not await holds(place, mark._replace(offset=beyond))
            assert not await holds(TopicPartition(topic.name, 3), mark)


async def test_a_commit_whose_answer_was_lost_is_not_done_again(
    bench: Bench, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = await reading(bench, service, Shelf(message(0, b"1")))
    once = [True]

    @asynccontextmanager
    async def unanswered(database: Database, source: str) -> AsyncIterator[Unit]:
        async with unit_of_work(database, source) as unit:
            yield unit
        if once.pop():
            raise ConnectionResetError

    monkeypatch.setattr(outside, "unit_of_work", unanswered)
    await reader.apply(TOPIC, [message(0, b"1")])
    assert await stored(bench) == [b"1"]
    monkeypatch.undo()
    await reader.apply(TOPIC, [message(1, b"2")])
    assert await stored(bench) == [b"1", b"2"]


async def test_what_came_meanwhile_in_any_partition_goes_together_where_lanes_are_numbered() -> None:
    batches, in_hand, go_on, done = list[list[tuple[int, int]]](), asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def apply(_: str, records: Sequence[ConsumerRecord]) -> None:
        batches.append([(record.partition, record.offset) for record in records])
        in_hand.set()
        await go_on.wait()
        if len(batches) > 1:
            done.set()

    consumer = LaneConsumer("127.0.0.1:1", "group", [TOPIC], apply)
    even, odd, other = (consumer._worker(TopicPartition(TOPIC, partition)) for partition in (0, 1, 3))
    assert even is not odd is other
    odd.put([replace(message(0, b"1"), partition=1)])
    await asyncio.wait_for(in_hand.wait(), 10)
    for partition, offset in ((3, 7), (1, 1), (3, 8)):
        odd.put([replace(message(offset, b"1"), partition=partition)])
    go_on.set()
    await asyncio.wait_for(done.wait(), 10)
    await consumer.on_partitions_revoked([TopicPartition(TOPIC, partition) for partition in (0, 1, 3)])
    await consumer._consumer.stop()
    assert batches == [[(1, 0)], [(3, 7), (1, 1), (3, 8)]]
    assert consumer._workers == {}


async def test_a_batch_is_of_one_answer_of_the_broker() -> None:
    """Between two answers the topic may have been set back; a batch of both would hide that from the marks."""
    batches, done = list[list[int]](), asyncio.Event()

    async def apply(_: str, records: Sequence[ConsumerRecord]) -> None:
        batches.append([record.offset for record in records])
        if batches[-1][-1] == 6:
            done.set()

    async def begin(_: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        return {}

    consumer = LaneConsumer("127.0.0.1:1", "group", [TOPIC], apply, begin=begin)
    worker = consumer._worker(PLACE)
    for answer in ([0, 1], [2], [3, 4, 5, 6]):
        worker.put([message(offset, b"1") for offset in answer])
    await asyncio.wait_for(done.wait(), 10)
    await consumer._drain()
    await consumer._consumer.stop()
    assert batches == [[0, 1], [2], [3, 4, 5, 6]]
