"""A database that was set back silently is found by what Kafka has beyond the cursors."""

import asyncio
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from chassis.events.lanes import lane_of
from chassis.events.relay import Relay, _move_cursors
from chassis.events.unit import unit_of_work
from chassis.testing import Bench

Make = Any
ONE = UUID(int=1)
UNPUBLISHED = "select 1 from chassis.counters join chassis.cursors using (lane) where head > sequence"


async def published(bench: Bench, topic: Any) -> None:
    """Have a relay publish all there is, until its cursors tell."""
    relay = asyncio.create_task(Relay(bench.database, "till", topic.bootstrap, topic.name).run())
    try:
        async with asyncio.timeout(60):
            while await bench.rows(UNPUBLISHED) and not relay.done():  # noqa: ASYNC110 - the relay tells nobody
                await asyncio.sleep(0.02)  # lint-skip: sleep the cursors are rows
    finally:
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)


async def say(bench: Bench, placed: Make, amount: int) -> None:
    async with unit_of_work(bench.database, "till") as unit:
        unit.publish(placed(ONE, amount))


async def test_a_relay_finds_a_database_that_was_set_back_silently(bench: Bench, topic: Any, placed: Make) -> None:
    """What was written since took numbers again: it is told under the new incarnation, and so is what comes."""
    await say(bench, placed, 1)
    await published(bench, topic)
    image = await bench.rows("select lane, sequence, next_offset from chassis.cursors where sequence > 0")
    await say(bench, placed, 2)
    await say(bench, placed, 3)
    await published(bench, topic)
    await bench.rows("delete from chassis.events where sequence > 1")
    await bench.rows("update chassis.counters set head = least(head, 1)")
    for cursor in image:
        await bench.rows("update chassis.cursors set sequence = $2, next_offset = $3 where lane = $1", *cursor)
    await say(bench, placed, 4)
    await published(bench, topic)
    incarnations = await bench.rows(
        "select number, from_sequence from chassis.incarnations where lane = $1 order by number", lane_of(ONE)
    )
    assert [row["from_sequence"] for row in incarnations] == [1, 2]
    assert await bench.rows("select sequence, incarnation from chassis.events order by sequence") == [
        (1, incarnations[0]["number"]), (2, incarnations[1]["number"]),
    ]  # fmt: skip
    await say(bench, placed, 5)
    await published(bench, topic)
    assert await bench.rows("select count(*) from chassis.incarnations where lane = 0") == [(2,)]


@pytest.mark.parametrize("further", [1, 0], ids=["another partition's", "another topic's"])
async def test_offsets_of_another_place_are_not_gone_by(bench: Bench, topic: Any, placed: Make, further: int) -> None:
    """A lane's offset may be one of the partition it was in before its topic grew, or one that a topic lost."""
    await say(bench, placed, 1)
    await published(bench, topic)
    await bench.rows("delete from chassis.events")
    await bench.rows("update chassis.counters set head = 0")
    set_back = "update chassis.cursors set sequence = 0, next_offset = 1000000, partition = partition + $1"
    await bench.rows(set_back, further)
    await say(bench, placed, 2)
    await published(bench, topic)
    assert await bench.rows("select count(*) from chassis.incarnations where lane = 0") == [(2,)]


async def test_what_a_dead_relay_had_published_is_no_rewind(bench: Bench, topic: Any, placed: Make) -> None:
    await say(bench, placed, 1)
    await published(bench, topic)
    assert await bench.rows("select sequence, next_offset from chassis.cursors where lane = $1", lane_of(ONE)) == [
        (1, 1)
    ]
    await bench.rows("update chassis.cursors set sequence = 0, next_offset = 0")
    await published(bench, topic)
    assert await bench.rows("select count(*) from chassis.incarnations where lane = 0") == [(1,)]
    assert len(await topic.read()) == 2


async def test_what_lies_before_the_cursors_is_no_rewind(bench: Bench, topic: Any, placed: Make) -> None:
    """After an old backup a younger one may be restored: Kafka still has what was told in between."""
    await say(bench, placed, 1)
    await published(bench, topic)
    await bench.rows("update chassis.events set id = gen_random_uuid()")
    await bench.rows("update chassis.cursors set next_offset = 0")
    await say(bench, placed, 2)
    await published(bench, topic)
    assert await bench.rows("select count(*) from chassis.incarnations where lane = 0") == [(1,)]


async def test_an_offset_of_the_old_partition_is_not_kept_where_the_broker_tells_none(bench: Bench) -> None:
    lane = lane_of(ONE)
    await bench.rows("update chassis.cursors set partition = 1, next_offset = 70 where lane = $1", lane)
    places = []
    for sequence, partition in ((1, 1), (2, 2)):
        record: Any = SimpleNamespace(lane=lane, sequence=sequence)
        async with bench.database.pool.acquire() as connection:
            await _move_cursors(connection, [(partition, 0, [record])])  # type: ignore[arg-type]
        places += await bench.rows("select partition, next_offset from chassis.cursors where lane = $1", lane)
    assert places == [(1, 70), (2, 0)]
