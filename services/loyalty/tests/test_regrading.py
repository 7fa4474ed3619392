"""A new programme goes round: everybody comes to their tier, once, whoever books meanwhile."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.consume.jobs import do_pages
from chassis.consume.timers import fire_due
from chassis.events.lanes import LANES, lane_of
from chassis.events.unit import unit_of_work
from chassis.testing import Bench
from loyalty.store import accounts, ungraded
from schemas.ids import derive
from schemas.loyalty import ProgrammeChanged, TierReached
from services.loyalty.tests.factories import ALICE, BOB, WHY, an_award, paid

WAITS = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
DAY = timedelta(days=1)
LOWER = {"rates": {"CZK": "10"}, "tiers": {"silver": 100, "gold": 1000}}


async def _change(bench: Bench, **when: str) -> None:
    async with bench.api("manager") as api:
        assert (await api.put("/v1/programme", json={**LOWER, **when})).status_code == 200


async def _reached(bench: Bench) -> list[Any]:
    return [record for record in await bench.records() if record.type == TierReached.event_type]


@pytest.mark.parametrize("page", [1, 2, 500])
async def test_pages_of_a_regrading_say_what_is_reached_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr("chassis.consume.jobs.PAGE", page)
    clients = [client for n in range(200) if lane_of(client := derive("client", n)) in {3, 4}][:5]
    await bench.hear(*(paid("2000", client=client, number=str(client)) for client in clients))
    await _change(bench)
    await bench.do_jobs()
    reached = await _reached(bench)
    assert len(reached) == len({record.id for record in reached}) == len(clients) == 5
    assert await bench.failing_checks() == {}


async def test_many_accounts_are_regraded_lane_by_lane_while_others_book(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.consume.jobs.PAGE", 7)
    clients = [derive("client", n) for n in range(1_200)]
    late = [derive("late", n) for n in range(200)]
    await bench.hear(*(paid("2000", client=client, number=str(client)) for client in clients))
    assert len(await bench.rows("select distinct lane from accounts")) == LANES
    await _change(bench, valid_from=f"{datetime.now(UTC) + DAY}")
    await bench.rows("update chassis.clock set ahead = interval '2 days'")

    async def book() -> None:
        for n in range(0, len(late), 20):
            more = [an_award(150, f"{client}", client) for client in (*late[n : n + 20], *clients[n : n + 20])]
            await bench.hear(*more)

    async def regrade() -> None:
        assert await fire_due(bench.database, bench.service) == 1
        started.set()
        while await do_pages(bench.database, bench.service):
            pass

    async def regrade_too() -> None:
        await started.wait()
        while await do_pages(bench.database, bench.service):
            pass

    started = asyncio.Event()
    await asyncio.gather(book(), regrade(), regrade_too())
    assert await bench.rows("select from chassis.jobs") == []
    assert await bench.rows("select tier, count(*) from accounts group by tier") == [("silver", 1_400)]
    reached = await _reached(bench)
    assert len(reached) == len({record.subject for record in reached}) == 1_400
    (lanes,) = await bench.rows(
        "select max(lanes) from (select count(distinct lane) lanes from chassis.events where type = $1"
        " and cause_place like 'loyalty/%' group by at) pages",
        TierReached.event_type,
    )
    assert lanes == (1,)
    assert await bench.failing_checks() == {}


async def test_what_was_booked_under_the_programme_before_is_not_missed(bench: Bench) -> None:
    award = an_award(500)
    await _change(bench, valid_from=f"{datetime.now(UTC) + DAY}")
    async with unit_of_work(bench.database, "loyalty") as booking:
        loaded = await accounts.load(booking, [award])
        await bench.rows("update chassis.clock set ahead = interval '2 days'")
        firing = asyncio.create_task(fire_due(bench.database, bench.service))
        while not await bench.rows(WAITS):
            pass
        assert await bench.rows("select from chassis.jobs") == []
        account = loaded[ALICE]
        assert account.programmes.in_force.version == 1
        booking.publish(*account.award(award, WHY))
        await accounts.save(booking, [account])
    await firing
    assert await bench.rows("select tier from accounts") == [("bronze",)]
    assert [type(event) for event in await bench.do_jobs()] == [TierReached]
    assert await bench.rows("select tier from accounts") == [("silver",)]


async def test_who_waited_for_a_programme_to_begin_books_under_it(bench: Bench) -> None:
    async with unit_of_work(bench.database, "loyalty") as booking:
        before = await booking.now()
        await _change(bench)
        loaded = await accounts.load(booking, [an_award(500)])
        programme = loaded[ALICE].programmes.in_force
    assert programme.version == 2
    assert before < programme.valid_from


async def test_a_programme_that_has_begun_holds_though_the_clock_is_set_back(bench: Bench) -> None:
    await bench.hear(an_award(500))
    await bench.rows("update chassis.clock set ahead = interval '1 hour'")
    await _change(bench)
    await bench.do_jobs()
    await bench.rows("update chassis.clock set ahead = interval '-1 hour'")
    await bench.hear(an_award(500, "another", BOB))
    assert await bench.rows("select distinct tier from accounts") == [("silver",)]
    assert await bench.failing_checks() == {}
    async with bench.api("manager") as api:
        body = {"rates": {"CZK": "10"}, "tiers": {"silver": 1_000, "gold": 2_000}}
        assert (await api.put("/v1/programme", json=body)).status_code == 200
        assert (await api.get("/v1/programme")).json()["version"] == 3
    await bench.do_jobs()
    assert await bench.rows("select distinct tier from accounts") == [("bronze",)]
    assert await bench.failing_checks() == {}


async def test_a_tier_is_explained_by_the_programme_that_gave_it(bench: Bench) -> None:
    await bench.hear(paid("2000"))
    await _change(bench, valid_from=f"{datetime.now(UTC) + DAY}")
    await bench.fire_timers(ahead=2 * DAY)
    await bench.do_jobs()
    (reached,) = await _reached(bench)
    (changed,) = [r for r in await bench.records() if r.type == ProgrammeChanged.event_type and r.version == 2]
    assert reached.cause_place == f"loyalty/{changed.lane}/{changed.sequence}"
    assert reached.correlation == changed.correlation
    assert reached.hops == 1


async def test_keys_of_a_page_are_found_through_an_index(bench: Bench) -> None:
    await bench.rows(
        "insert into accounts (client_id, lane, points, version)"
        " select gen_random_uuid(), n % 48, 200, 1 from generate_series(1, 20000) n"
    )
    await bench.rows("analyze accounts")
    said: list[tuple[str, Any]] = []
    async with unit_of_work(bench.database, "loyalty") as unit:
        with unit.connection.query_logger(lambda query: said.append((query.query, query.args))):
            await ungraded(unit, 7, ALICE, 500)
    query, arguments = next(each for each in said if "from accounts" in each[0])
    plan = await bench.rows(f"explain {query}", *arguments)
    assert "accounts_of_lane" in "".join(line for (line,) in plan)
