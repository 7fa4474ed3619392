"""Topics from outside are read on from a marked message, and from the beginning where another one is in its place."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from aiokafka import ConsumerRecord, TopicPartition

from chassis.consume.intake import store_intake
from chassis.consume.outside import AnotherTopic, OutsideReader
from chassis.events.unit import Unit
from chassis.service import Service
from chassis.testing import Bench

TOPIC = "slips"
PLACE = TopicPartition(TOPIC, 3)


async def accept(unit: Unit, bodies: Sequence[bytes]) -> None:
    await store_intake(unit.connection, "slip", None, *bodies)


def message(offset: int, body: bytes, timestamp: int = 7) -> ConsumerRecord:
    return ConsumerRecord(TOPIC, 3, offset, timestamp, 0, None, body, None, 0, len(body), ())


@pytest.fixture
def service() -> Service:
    made = Service("till")
    made.listen_outside(TOPIC, accept)
    return made


async def stored(bench: Bench) -> list[bytes]:
    return [row["body"] for row in await bench.rows("select body from chassis.intake order by id")]


async def test_reading_begins_at_the_last_message_and_passes_it_over(bench: Bench, service: Service) -> None:
    reader = OutsideReader(bench.database, service, asyncio.Event())
    assert await reader.begin([PLACE]) == {PLACE: 0}
    await reader.apply(TOPIC, [message(0, b"1"), message(1, b"2")])
    later = OutsideReader(bench.database, service, asyncio.Event())
    assert await later.begin([PLACE]) == {PLACE: 1}
    await later.apply(TOPIC, [message(1, b"2")])
    await later.apply(TOPIC, [message(2, b"4")])
    assert await stored(bench) == [b"1", b"2", b"4"]


@pytest.mark.parametrize(
    "other", [message(1, b"another"), message(1, b"2", timestamp=8), message(0, b"2"), message(5, b"2")]
)
async def test_another_message_in_its_place_means_all_is_read_again(
    bench: Bench, service: Service, other: ConsumerRecord
) -> None:
    reader = OutsideReader(bench.database, service, asyncio.Event())
    await reader.begin([PLACE])
    await reader.apply(TOPIC, [message(0, b"1"), message(1, b"2")])
    again = OutsideReader(bench.database, service, asyncio.Event())
    await again.begin([PLACE])
    with pytest.raises(AnotherTopic):
        await again.apply(TOPIC, [other])
    assert await again.begin([PLACE]) == {PLACE: 0}
    await again.apply(TOPIC, [replace(other, offset=0)])
    assert (await stored(bench))[2:] == [other.value]


async def test_a_message_and_how_far_we_are_is_one_commit(bench: Bench, service: Service) -> None:
    async def refuse(unit: Unit, bodies: Sequence[bytes]) -> None:
        await accept(unit, bodies)
        raise ArithmeticError

    service.listen_outside(TOPIC, refuse)
    reader = OutsideReader(bench.database, service, asyncio.Event())
    await reader.begin([PLACE])
    with pytest.raises(ArithmeticError):
        await reader.apply(TOPIC, [message(0, b"1")])
    assert await stored(bench) == []
    assert await reader.begin([PLACE]) == {PLACE: 0}
