"""Owners whose databases were set back: consumers ask about what they give up, and a number says one thing only."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from chassis.consume import journal
from chassis.consume.journal import digest_of, shorten
from chassis.consume.mending import Mender
from chassis.consume.subscription import Subscription
from chassis.database import Database
from chassis.events.incarnations import begin_incarnation
from chassis.events.lanes import LANES, lane_of
from chassis.events.log import read_heads
from chassis.events.record import Record, from_json
from chassis.events.relay import Relay
from chassis.testing import Bench
from schemas.catalogue import EVENTS

Make = Any
ONE, OTHER = UUID(int=1), UUID(int=2)
EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"
PROGRESS = "select incarnation, sequence from chassis.progress where source = 'orders' and lane = $1"
JOURNAL = "select source, lane, sequence, incarnation, key, subject from chassis.applied order by lane, sequence"


def mender_of(bench: Bench, owner: Any) -> Mender:
    return Mender(Subscription(bench.database, bench.service), owner.client())


async def check_twice(mender: Mender) -> None:
    await mender.check_heads("orders")
    await mender.check_heads("orders")


async def position(bench: Bench, lane: int) -> tuple[int, int]:
    (row,) = await bench.rows(PROGRESS, lane)
    return row["incarnation"], row["sequence"]


async def orders(bench: Bench, placed: Make, *clients: UUID) -> list[Record]:
    return await bench.numbered(*(placed(client, 1) for client in clients))


async def test_what_was_applied_is_written_down_and_what_nobody_hears_is_not(bench: Bench, placed: Make) -> None:
    heard, passed_over = await orders(bench, placed, ONE, ONE)
    await bench.hear_records(heard, passed_over._replace(type="orders.product_changed.v1"))
    assert [tuple(row) for row in await bench.rows(JOURNAL)] == [
        ("orders", heard.lane, 1, 1, heard.key, heard.subject)
    ]  # fmt: skip


@pytest.mark.parametrize("other", [{"body": b"{}"}, {"id": uuid4()}], ids=["body", "id"])
async def test_a_number_that_comes_again_saying_something_else_is_refused(
    bench: Bench, placed: Make, other: dict[str, Any]
) -> None:
    first, second, third = await orders(bench, placed, ONE, ONE, ONE)
    changed = first._replace(**other)
    await bench.hear_records(first, changed, second)
    await bench.hear_records(changed, third)
    (letter,) = await bench.dead_letters()
    assert (letter["handler"], letter["type"]) == ("journal", first.type)
    assert orjson.loads(letter["record"])["body"] == changed.body.decode()
    assert await bench.rows("select total from till") == [(3,)]


async def test_a_number_that_comes_again_as_it_was_or_of_another_incarnation_is_no_alarm(
    bench: Bench, placed: Make
) -> None:
    records = await orders(bench, placed, ONE, ONE)
    await bench.hear_records(*records)
    old = records[0]._replace(incarnation=0, body=b"{}")
    await bench.hear_records(*records, old)
    assert await bench.dead_letters() == []


@pytest.mark.parametrize("event_type", sorted(EVENTS))
def test_the_feed_brings_the_very_bytes_that_kafka_brings(event_type: str) -> None:
    event = EVENTS[event_type].model_validate_json((EXAMPLES / f"{event_type}.json").read_bytes())
    body = event.__pydantic_serializer__.to_json(event)
    record = Record("x", 1, 1, 1, uuid4(), event_type, ONE, ONE, 1, datetime.now(UTC), ONE, None, "", 0, "", body)
    fed = from_json(orjson.loads(orjson.dumps(record.as_json(), default=str)))
    assert digest_of(fed) == digest_of(record)


async def test_an_idle_consumer_gives_up_what_was_taken_back_and_asks_first(
    bench: Bench, placed: Make, owner: Any
) -> None:
    kept, lost, again, other = await orders(bench, placed, ONE, ONE, ONE, OTHER)
    owner.write(kept, lost, again, other)
    mender = mender_of(bench, owner)
    await check_twice(mender)
    owner.set_back(kept)
    await check_twice(mender)
    asked = {(seen["type"], UUID(seen["key"]), UUID(seen["subject"])) for seen in owner.asked}
    assert asked == {(each.type, each.key, each.subject) for each in (lost, again, other)}
    assert await position(bench, lane_of(ONE)) == (2, 1)
    assert await position(bench, lane_of(OTHER)) == (2, 0)
    assert [row["subject"] for row in await bench.rows(JOURNAL)] == [kept.subject]
    rewinds = await bench.rows("select lane, incarnation, sequence, resumed from chassis.rewinds order by lane")
    assert {tuple(row) for row in rewinds} == {(lane_of(ONE), 1, 3, 1), (lane_of(OTHER), 1, 1, 0)}
    seen = len(owner.asked)
    await check_twice(mender)
    assert len(owner.asked) == seen


async def test_an_owner_that_does_not_answer_is_asked_again_and_nothing_is_given_up_before(
    bench: Bench, placed: Make, owner: Any
) -> None:
    records = await orders(bench, placed, ONE, ONE)
    owner.write(*records)
    mender = mender_of(bench, owner)
    await check_twice(mender)
    owner.set_back()
    owner.mute = True
    await check_twice(mender)
    assert await position(bench, lane_of(ONE)) == (1, 2)
    assert len(await bench.rows(JOURNAL)) == 2
    owner.mute = False
    await check_twice(mender)
    assert (await position(bench, lane_of(ONE)), len(owner.asked)) == ((2, 0), 2)


async def test_what_comes_in_the_place_of_numbers_taken_back_is_applied(bench: Bench, placed: Make, owner: Any) -> None:
    kept, lost = await orders(bench, placed, ONE, ONE)
    owner.write(kept, lost)
    mender = mender_of(bench, owner)
    await check_twice(mender)
    owner.set_back(kept)
    (new,) = await orders(bench, placed, ONE)
    new = new._replace(sequence=2, incarnation=2)
    owner.write(new)
    assert await bench.hear_records(new) == {lane_of(ONE)}
    await mender.mend("orders", lane_of(ONE))
    assert (await position(bench, lane_of(ONE)), len(owner.asked)) == ((2, 2), 1)
    assert [row["subject"] for row in await bench.rows(JOURNAL)] == [kept.subject, new.subject]
    assert await bench.rows("select total from till") == [(3,)]


async def test_a_younger_backup_after_an_older_one_is_read_from_where_both_agree(
    bench: Bench, placed: Make, owner: Any
) -> None:
    """The first restore was of the wrong backup: what followed it is forgotten, what it had lost is there again."""
    kept, lost = await orders(bench, placed, ONE, ONE)
    owner.write(kept, lost)
    mender = mender_of(bench, owner)
    await check_twice(mender)
    owner.set_back(kept)
    await check_twice(mender)
    (wrong,) = await orders(bench, placed, ONE)
    owner.write(wrong._replace(incarnation=2))
    await check_twice(mender)
    owner.asked.clear()
    owner.set_back(kept, lost)
    owner.forgotten.add(2)
    await check_twice(mender)
    assert [UUID(seen["subject"]) for seen in owner.asked] == [wrong.subject]
    assert [row["subject"] for row in await bench.rows(JOURNAL)] == [kept.subject, lost.subject]
    assert await position(bench, lane_of(ONE)) == (3, 2)


async def test_what_waits_or_is_dead_goes_with_the_number_that_was_taken_back(
    bench: Bench, placed: Make, owner: Any
) -> None:
    """It could wait for what was lost with it, and be a dead letter after an hour, of an event that never was."""
    said = await bench.numbered(placed(ONE, 1), placed(ONE, 666), placed(ONE, 666), placed(ONE, 13), placed(OTHER, 13))
    owner.write(*said)
    mender = mender_of(bench, owner)
    await check_twice(mender)
    await bench.hear_records(said[0]._replace(body=b"{}"))
    owner.set_back(*said[:2], said[-1])
    await check_twice(mender)
    (waiting,) = await bench.rows("select key from chassis.parked")
    assert waiting["key"] == OTHER
    resolutions = {(each["handler"], each["resolution"]) for each in await bench.dead_letters()}
    assert resolutions == {("count", None), ("count", "taken back by its owner"), ("journal", None)}


async def test_poison_in_the_page_that_moves_back_is_told_apart_and_gives_up_once(
    bench: Bench, placed: Make, owner: Any
) -> None:
    kept, lost = await orders(bench, placed, ONE, ONE)
    owner.write(kept, lost)
    mender = mender_of(bench, owner)
    await check_twice(mender)
    owner.set_back(kept)
    (bad,) = await bench.numbered(placed(ONE, 10**11))
    (good,) = await orders(bench, placed, ONE)
    owner.write(bad._replace(sequence=2, incarnation=2), good._replace(sequence=3, incarnation=2))
    await check_twice(mender)
    assert await position(bench, lane_of(ONE)) == (2, 3)
    assert len(await bench.rows("select * from chassis.rewinds")) == 1
    assert [row["sequence"] for row in await bench.rows(JOURNAL)] == [1, 2, 3]
    assert len(await bench.dead_letters()) == 1


async def test_a_relay_begins_the_incarnation_of_another_database_before_anything_is_written(
    bench: Bench, topic: Any
) -> None:
    restored = Database(bench.database._dsn, size=4, stamp="restored")
    relay = asyncio.create_task(Relay(restored, "till", topic.bootstrap, topic.name).run())
    try:
        async with asyncio.timeout(60), bench.database.pool.acquire() as connection:
            before = (await read_heads(connection))[0].incarnation
            while (await read_heads(connection))[0].incarnation == before:  # noqa: ASYNC110 - see below
                await asyncio.sleep(0.02)  # lint-skip: sleep the relay tells nobody that it has begun
            heads = await read_heads(connection)
    finally:
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)
    assert len(heads) == LANES
    assert len({head.incarnation for head in heads.values()}) == 1
    assert all(head.incarnation > before for head in heads.values())


async def test_an_incarnation_is_begun_once_by_however_many(bench: Bench) -> None:
    async def begin() -> None:
        async with bench.database.pool.acquire() as connection:
            await begin_incarnation(connection, "restored")

    await asyncio.gather(*(begin() for _ in range(4)))
    assert await bench.rows("select distinct count(*) from chassis.incarnations group by lane") == [(2,)]


async def test_the_journal_is_kept_short_some_at_a_time(
    bench: Bench, placed: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "PRUNED_AT_ONCE", 2)
    await bench.hear_records(*await orders(bench, placed, ONE, ONE, ONE, ONE, ONE, OTHER))
    await bench.rows("update chassis.applied set applied_at = now() - interval '36 days' where key = $1", ONE)
    await shorten(bench.database, 35)
    assert [row["key"] for row in await bench.rows(JOURNAL)] == [OTHER]


async def test_only_services_may_ask_an_owner_and_unknown_types_are_passed_over(bench: Bench) -> None:
    seen = [{"type": "loyalty.points_earned.v1", "key": str(ONE), "subject": str(ONE)}]
    for role, status in (("admin", 403), ("", 401), ("service", 200)):
        async with bench.api(role) as api:
            answer = await api.post("/v1/events/restate", json={"seen": seen})
        assert answer.status_code == status, answer.text
        assert role != "service" or answer.json() == {"restated": 0}
