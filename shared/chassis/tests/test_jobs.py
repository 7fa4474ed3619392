"""A job goes to everybody once, lane by lane, goes on where it was left, and begins anew when it is started again."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from chassis.consume import jobs
from chassis.consume.jobs import do_pages
from chassis.consume.outcomes import decide_or_bury
from chassis.effects import StartJob
from chassis.events.lanes import LANES, lane_of
from chassis.events.unit import unit_of_work
from chassis.testing import Bench, bench_of
from schemas.ids import derive
from shared.chassis.tests.club import CALLER, club

Make = Any
bench = bench_of(club)


async def join(bench: Bench, *lanes: int, each: int = 5) -> list[UUID]:
    """Let so many members join in each of some lanes; return them by lane and id."""
    found: list[UUID] = []
    for lane in lanes:
        here = (member for n in range(10_000) if lane_of(member := derive("member", n)) == lane)
        found += sorted(next(here) for _ in range(each))
    await bench.rows(
        "insert into member select id, lane, 0 from unnest($1::uuid[], $2::smallint[]) m(id, lane)",
        found,
        [lane_of(member) for member in found],
    )
    return found


async def turns(bench: Bench) -> dict[UUID, int]:
    return dict(await bench.rows("select id, turns from member"))


def interrupt(monkeypatch: pytest.MonkeyPatch, at: int, act: Callable[[], Any]) -> None:
    """Have something done when the n-th page was decided, before its cursor is moved."""
    decide, left = decide_or_bury, iter(range(1, at + 1))

    async def interrupted(*args: Any, **more: Any) -> None:
        await decide(*args, **more)
        if next(left, None) == at:
            await act()

    monkeypatch.setattr("chassis.consume.jobs.decide_or_bury", interrupted)


async def test_everybody_has_one_turn_and_a_page_is_one_transaction_of_one_lane(
    bench: Bench, placed: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "PAGE", 2)
    everybody = await join(bench, 3, 17, 40)
    await bench.hear(placed(CALLER, 1))
    assert len(await bench.rows("select from chassis.jobs where after is null")) == LANES
    said = await bench.do_jobs()
    assert sorted(event.subject_id for event in said) == sorted(everybody)
    assert await turns(bench) == dict.fromkeys(everybody, 1)
    assert await bench.rows("select from chassis.jobs") == []
    pages = await bench.rows("select count(*), count(distinct lane) from chassis.events_0 group by xmin::text")
    assert sorted(pages) == [(1, 1)] * 3 + [(2, 1)] * 6


async def test_a_job_that_is_started_again_begins_anew(
    bench: Bench, placed: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "PAGE", 2)
    everybody = await join(bench, 3, 17)
    await bench.hear(placed(CALLER, 1))
    assert await do_pages(bench.database, bench.service) == 4
    again = placed(CALLER, 2)
    await bench.hear(again)
    assert await bench.rows("select distinct subject, after from chassis.jobs") == [(again.order.id, None)]
    await bench.do_jobs()
    assert await turns(bench) == dict(zip(everybody, [2, 2, 1, 1, 1] * 2, strict=True))
    ids = [record.id for record in await bench.records()]
    assert len(ids) == len(set(ids)) == 14


@pytest.mark.parametrize("page", [1, 2])
async def test_a_start_while_a_page_is_decided_is_not_lost(
    bench: Bench, placed: Make, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(jobs, "PAGE", 2)
    everybody = await join(bench, 3)
    first = placed(CALLER, 1)
    await bench.hear(first)
    interrupt(monkeypatch, page, lambda: bench.hear(first.model_copy()))
    await bench.rows("delete from chassis.jobs where lane <> 3")
    await do_pages(bench.database, bench.service)
    await do_pages(bench.database, bench.service)
    await bench.do_jobs()
    done_before = 2 * (page - 1)
    assert await turns(bench) == dict(zip(everybody, [2] * done_before + [1] * (5 - done_before), strict=True))
    because = Counter(record.correlation for record in await bench.records())
    assert sorted(because.values()) == ([done_before, 5] if done_before else [5])


async def test_a_worker_that_dies_between_pages_goes_on_at_its_cursor(
    bench: Bench, placed: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "PAGE", 2)
    everybody = await join(bench, 3)
    await bench.hear(placed(CALLER, 1))
    await bench.rows("delete from chassis.jobs where lane <> 3")

    async def die() -> None:
        raise ConnectionResetError

    interrupt(monkeypatch, 2, die)
    assert await do_pages(bench.database, bench.service) == 2
    with pytest.raises(ConnectionResetError):
        await do_pages(bench.database, bench.service)
    assert await turns(bench) == dict(zip(everybody, [1, 1, 0, 0, 0], strict=True))
    assert await bench.rows("select lane, after from chassis.jobs") == [(3, everybody[1])]
    await bench.do_jobs()
    assert await turns(bench) == dict.fromkeys(everybody, 1)
    assert len({record.id for record in await bench.records()}) == 5


@pytest.mark.parametrize(("spoilt", "reason"), [(12, "not the thirteenth"), (2_147_483_647, "fails alone: DataError")])
async def test_a_poisoned_key_is_a_dead_letter_alone_and_can_be_tried_again(
    bench: Bench, placed: Make, monkeypatch: pytest.MonkeyPatch, spoilt: int, reason: str
) -> None:
    monkeypatch.setattr(jobs, "PAGE", 3)
    everybody = await join(bench, 3)
    await bench.rows("update member set turns = $1 where id = $2", spoilt, everybody[1])
    await bench.hear(placed(CALLER, 1))
    await bench.do_jobs()
    assert await turns(bench) == {**dict.fromkeys(everybody, 1), everybody[1]: spoilt}
    (letter,) = await bench.dead_letters()
    assert (letter["handler"], letter["type"], letter["reason"]) == ("take_turn", "job:meeting", reason)
    await bench.rows("update member set turns = 0 where id = $1", everybody[1])
    async with bench.api("manager") as api:
        shown = (await api.get(f"/v1/dead-letters/{letter['id']}")).json()
        assert str(everybody[1]) in shown["record"]["turn"]
        assert (await api.post(f"/v1/dead-letters/{letter['id']}/retry")).status_code == 200
    assert await turns(bench) == dict.fromkeys(everybody, 1)


async def test_a_job_of_a_unit_that_is_undone_does_not_exist(bench: Bench, placed: Make) -> None:
    await bench.hear(placed(CALLER, 666))
    assert len(await bench.dead_letters()) == 1

    async def call() -> None:
        async with unit_of_work(bench.database, "club") as unit:
            unit.publish(StartJob("meeting", CALLER))
            await unit.finish()
            raise ArithmeticError

    with pytest.raises(ArithmeticError):
        await call()
    assert await bench.rows("select from chassis.jobs") == []


async def test_two_workers_give_everybody_one_turn(bench: Bench, placed: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "PAGE", 2)
    everybody = await join(bench, 3, 17, 40, each=9)
    await bench.hear(placed(CALLER, 1))

    async def work() -> None:
        while await bench.rows("select from chassis.jobs"):
            await do_pages(bench.database, bench.service)

    await asyncio.gather(*(work() for _ in range(3)))
    assert await turns(bench) == dict.fromkeys(everybody, 1)
    assert len(await bench.records()) == len(everybody)


async def test_turns_are_caused_by_the_event_told_with_the_start(bench: Bench, placed: Make) -> None:
    await join(bench, 3, each=1)
    (silent,) = await bench.numbered(placed(CALLER, 1))
    await bench.hear_records(silent)
    await bench.do_jobs()
    (turn,) = await bench.records()
    assert (turn.cause_place, turn.hops) == (f"orders/{silent.lane}/{silent.sequence}", 1)
    (loud,) = await bench.numbered(placed(CALLER, 1000))
    await bench.hear_records(loud)
    await bench.do_jobs()
    (told,) = [record for record in await bench.records() if record.key == CALLER]
    (later,) = [record for record in await bench.records() if record.key != CALLER and record.id != turn.id]
    assert (told.causation, later.cause_place) == (loud.id, f"club/{told.lane}/{told.sequence}")
    assert (later.correlation, later.hops) == (loud.correlation, 2)


async def test_a_service_with_a_job_to_do_is_not_at_rest(bench: Bench, placed: Make) -> None:
    await bench.hear(placed(CALLER, 1))
    async with bench.api("viewer") as api:
        assert (await api.get("/v1/status")).json()["jobs"] == LANES
        assert f"klientela_jobs {LANES}" in (await api.get("/metrics")).text
        await bench.do_jobs()
        assert (await api.get("/v1/status")).json()["jobs"] == 0


async def test_a_kind_that_nobody_knows_any_more_waits_to_be_seen(bench: Bench) -> None:
    async with unit_of_work(bench.database, "club") as unit:
        unit.publish(StartJob("gone", CALLER))
    assert await bench.do_jobs() == []
    assert len(await bench.rows("select from chassis.jobs")) == LANES
