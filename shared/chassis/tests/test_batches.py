"""A batch is one transaction: every record has its effect once, and a bad one harms nobody else."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis.database import run_formatted
from chassis.events.record import Position
from chassis.testing import Bench
from schemas.automation import PointsAwardRequested
from schemas.loyalty import PointsEarned

Make = Any


async def test_a_batch_has_its_effect_and_says_so(bench: Bench, placed: Make) -> None:
    client = uuid4()
    published = await bench.hear(placed(client, 100), placed(client, 50))
    assert [event.account.points for event in published if isinstance(event, PointsEarned)] == [100, 150]
    assert [row["total"] for row in await bench.rows("select total from till")] == [150]


async def test_records_heard_again_change_nothing(bench: Bench, placed: Make) -> None:
    client = uuid4()
    records = await bench.numbered(placed(client, 100), placed(client, 50))
    await bench.hear_records(*records)
    before = await bench.records()
    for again in (records, records[1:], [*records, *records]):
        await bench.hear_records(*again)
    assert await bench.records() == before
    assert await bench.rows("select total from till") == [(150,)]


async def test_two_members_with_the_same_batch_at_once_apply_it_once(bench: Bench, placed: Make) -> None:
    for _ in range(5):
        records = await bench.numbered(placed(uuid4(), 1), placed(uuid4(), 2))
        await asyncio.gather(*(bench.hear_records(*records) for _ in range(3)))
    assert await bench.rows("select sum(total)::int, sum(version)::int from till") == [(15, 10)]


async def test_a_gap_stops_its_lane_and_no_other(bench: Bench, placed: Make) -> None:
    one, other = UUID(int=1), UUID(int=2)
    first, lost, third = await bench.numbered(placed(one, 1), placed(one, 2), placed(one, 4))
    (elsewhere,) = await bench.numbered(placed(other, 8))
    assert first.lane != elsewhere.lane
    holes = await bench.hear_records(first, third, elsewhere)
    assert holes == {first.lane}
    assert dict(await bench.rows("select client, total from till")) == {one: 1, other: 8}
    assert await bench.hear_records(lost, third) == set()
    assert dict(await bench.rows("select client, total from till")) == {one: 7, other: 8}


@pytest.mark.parametrize("position", range(5))
async def test_poison_at_any_position_is_a_dead_letter_alone(bench: Bench, placed: Make, position: int) -> None:
    client = uuid4()
    amounts = [1, 2, 4, 8]
    amounts.insert(position, 666)
    await bench.hear(*(placed(client, amount) for amount in amounts))
    assert await bench.rows("select total, version from till") == [(15, 4)]
    (letter,) = await bench.dead_letters()
    assert (letter["handler"], letter["reason"]) == ("count", "the number of the beast")


async def test_an_unreadable_body_is_a_dead_letter_alone(bench: Bench, placed: Make) -> None:
    client = uuid4()
    first, bad, last = await bench.numbered(placed(client, 1), placed(client, 2), placed(client, 4))
    await bench.hear_records(first, bad._replace(body=b'{"order": "\xff'), last)
    assert await bench.rows("select total from till") == [(5,)]
    assert [letter["reason"] for letter in await bench.dead_letters()] == ["unreadable: ValidationError"]


async def test_what_the_database_refuses_is_a_dead_letter_alone(bench: Bench, placed: Make) -> None:
    client, other = uuid4(), uuid4()
    await bench.hear(placed(client, 2_000_000_000), placed(other, 1), placed(client, 2_000_000_000), placed(other, 2))
    assert dict(await bench.rows("select client, total from till")) == {client: 2_000_000_000, other: 3}
    assert [letter["reason"] for letter in await bench.dead_letters()] == ["fails alone, and again"]


async def test_later_parks_the_event_and_those_behind_it(bench: Bench, placed: Make) -> None:
    client, other = uuid4(), uuid4()
    await bench.hear(placed(client, 13), placed(client, 2), placed(other, 4))
    assert dict(await bench.rows("select client, total from till where total > 0")) == {other: 4}
    assert await bench.rows("select count(*) from chassis.parked") == [(2,)]
    await bench.hear(placed(client, 8))
    assert await bench.rows("select count(*) from chassis.parked") == [(3,)]
    await bench.rows("update till set total = 1000 where client = $1", client)
    await bench.retry_parked()
    assert await bench.rows("select total from till where client = $1", client) == [(1023,)]
    assert await bench.rows("select count(*) from chassis.parked") == [(0,)]


async def test_a_request_is_done_once_whatever_carries_it(bench: Bench) -> None:
    client, request = uuid4(), uuid4()
    asked = PointsAwardRequested(request_id=request, client_id=client, rule_id=uuid4(), rule_version=1, points=7)
    await bench.hear(asked, asked)
    await bench.hear(asked)
    assert await bench.rows("select total from till") == [(7,)]


async def test_a_timer_fires_once_when_it_is_due(bench: Bench, paid: Make) -> None:
    client = uuid4()
    await bench.hear(paid(client, 5))
    assert len(await bench.fire_timers()) == 1
    assert await bench.fire_timers(ahead=timedelta(days=9)) == []
    assert await bench.rows("select total from till") == [(1,)]


async def test_what_a_timer_does_is_caused_by_the_event_that_set_it(bench: Bench, paid: Make) -> None:
    (record,) = await bench.numbered(paid(uuid4(), 1000))
    await bench.hear_records(record)
    await bench.fire_timers()
    told, woken = sorted(await bench.records(), key=lambda r: r.sequence)
    assert (told.causation, told.hops) == (record.id, 1)
    assert (woken.cause_place, woken.hops) == (f"till/{told.lane}/{told.sequence}", 2)
    assert woken.correlation == record.correlation


async def test_a_page_counts_only_where_it_was_asked_for(bench: Bench, placed: Make) -> None:
    client = uuid4()
    (record,) = await bench.numbered(placed(client, 3))
    after = Position(0, 0)
    await bench.hear_page(record.lane, after, record)
    await bench.hear_page(record.lane, after, record)
    assert await bench.rows("select total from till") == [(3,)]


async def test_events_carry_their_cause(bench: Bench, placed: Make) -> None:
    (record,) = await bench.numbered(placed(uuid4(), 3))
    await bench.hear_records(record)
    (written,) = await bench.records()
    assert (written.causation, written.correlation) == (record.id, record.correlation)
    assert written.cause_place == f"orders/{record.lane}/{record.sequence}"
    assert written.hops == record.hops + 1


async def test_the_sixteenth_hop_stops(bench: Bench, placed: Make) -> None:
    (record,) = await bench.numbered(placed(uuid4(), 3))
    await bench.hear_records(record._replace(hops=15))
    assert await bench.records() == []
    (letter,) = await bench.dead_letters()
    assert letter["reason"].startswith("TooManyHops in count at unit.py:")


async def test_a_dead_letter_can_be_tried_again_or_dropped(bench: Bench, placed: Make) -> None:
    client = uuid4()
    await bench.hear(placed(client, 1), placed(client, 666), placed(client, 2))
    (letter,) = await bench.dead_letters()
    async with bench.api("manager") as api:
        again = await api.post(f"/v1/dead-letters/{letter['id']}/retry")
        assert (again.status_code, again.json()["type"].rsplit("/", 1)[1]) == (409, "still-refused")
        dropped = await api.post(f"/v1/dead-letters/{letter['id']}/drop")
        assert dropped.status_code == 200
        assert (await api.get("/v1/dead-letters")).json()["items"] == []
    assert await bench.rows("select total from till") == [(3,)]


async def test_poison_in_the_intake_is_a_dead_letter_alone_and_stays_one(bench: Bench) -> None:
    bodies = [b"1", b"torn", b"2000000000", b"2000000000", b"x", b"666", b"2"]
    await bench.take_in("slip", None, *bodies)
    assert await bench.rows("select total from till") == [(2_000_000_003,)]
    assert await bench.rows("select count(*) from chassis.intake where state = 0") == [(0,)]
    letters = await bench.dead_letters()
    reasons = ["fails alone: DataError", "the number of the beast", "torn", "unreadable: ValueError"]
    assert sorted(letter["reason"] for letter in letters) == reasons
    async with bench.api("manager") as api:
        answers = [await api.post(f"/v1/dead-letters/{letter['id']}/retry") for letter in letters]
    assert {answer.status_code for answer in answers} <= {409, 422}


async def test_a_poisoned_timer_is_a_dead_letter_alone(bench: Bench, paid: Make) -> None:
    full, other = uuid4(), uuid4()
    await bench.hear(paid(full, 5), paid(other, 5))
    await bench.rows("update till set total = 2147483647 where client = $1", full)
    await bench.fire_timers()
    assert await bench.rows("select total from till where client = $1", other) == [(1,)]
    assert [letter["reason"] for letter in await bench.dead_letters()] == ["fails alone: DataError"]
    assert await bench.rows("select * from chassis.timers") == []


@pytest.mark.parametrize("size", [2, 5])
async def test_no_plan_of_the_database_loses_a_parked_event(bench: Bench, placed: Make, size: int) -> None:
    client = uuid4()
    await bench.hear(placed(client, 13), *(placed(client, 2) for _ in range(size)))
    ((name,),) = await bench.rows("select current_database()")
    await bench.rows("analyze chassis.parked")
    async with bench.database.pool.acquire() as connection:
        for method in ("hashjoin", "mergejoin", "material", "hashagg", "sort"):
            await run_formatted(connection, f"alter database %I set enable_{method} = off", name)
    await bench.database.pool.expire_connections()
    await bench.rows("update till set total = 1000 where client = $1", client)
    await bench.retry_parked()
    assert await bench.rows("select total from till where client = $1", client) == [(1013 + 2 * size,)]


async def test_a_poisoned_parked_event_holds_up_no_other(bench: Bench, placed: Make) -> None:
    clients = sorted([uuid4(), uuid4()])
    await bench.hear(*(placed(client, 13) for client in clients))
    await bench.rows("update till set total = case client when $1 then 2147483647 else 7 end", clients[0])
    await bench.retry_parked()
    assert await bench.rows("select total from till where client = $1", clients[1]) == [(20,)]
    assert [letter["reason"] for letter in await bench.dead_letters()] == ["fails alone: DataError"]
    assert await bench.rows("select * from chassis.parked") == []


async def test_a_dead_letter_that_nobody_hears_any_more_is_not_done(bench: Bench, placed: Make) -> None:
    await bench.hear(placed(uuid4(), 666))
    (letter,) = await bench.dead_letters()
    await bench.rows("update chassis.dead_letters set handler = 'gone'")
    async with bench.api("manager") as api:
        answer = await api.post(f"/v1/dead-letters/{letter['id']}/retry")
    assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[1]) == (409, "still-refused")
    assert len(await bench.rows("select * from chassis.dead_letters where resolved_at is null")) == 1
