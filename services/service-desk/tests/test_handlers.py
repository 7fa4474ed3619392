"""Events and timers go in; rows and events come out of a real database."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from factories import ALICE, BOB, FIRST, TERMS, an_item, an_order, changed, kinds, moved, paid

from chassis.consume.jobs import do_pages
from chassis.events.lanes import lane_of
from chassis.events.timers import pack
from chassis.events.unit import command_cause
from chassis.testing import Bench
from schemas.ids import derive, device_id
from schemas.service_desk import MaintenanceDue
from service_desk.domain import REMIND, months_later

EVERYTHING = (
    "select (select json_agg(d order by id) from devices d)::text || (select json_agg(o) from order_copies o)::text"
    " || (select array_agg(xmin order by id) from devices)::text || (select array_agg(xmin) from order_copies)::text"
    " || coalesce((select json_agg(t) from chassis.timers t)::text, '')"
)


async def _serve(bench: Bench, device: UUID, ago: timedelta = timedelta(0)) -> datetime:
    """Have a device served some time ago; return when."""
    (row,) = await bench.rows("select now() + ahead - $1::interval as at from chassis.clock", ago)
    async with bench.api() as api:
        opened = await api.post("/v1/service-orders", json={"device_id": str(device), "title": "Revize"})
        body = {"completed_at": row["at"].isoformat()}
        answer = await api.post(f"/v1/service-orders/{opened.json()['id']}/complete", json=body)
        assert answer.status_code == 200, answer.text
    at: datetime = row["at"]
    return at


async def test_a_paid_order_registers_its_devices(bench: Bench) -> None:
    published = await bench.hear(paid(an_order(an_item("2"))))
    assert kinds(published) == ["DeviceRegistered", "DeviceRegistered"]
    assert await bench.failing_checks() == {}


async def test_the_same_events_again_leave_every_row_as_it_was(bench: Bench) -> None:
    events = (paid(an_order(an_item("2"))), *moved(an_order(an_item("2")), BOB))
    await bench.hear(*events)
    await _serve(bench, FIRST)
    (before,) = await bench.rows(EVERYTHING)
    assert await bench.hear(*events, *events) == []
    assert await bench.rows(EVERYTHING) == [before]


async def test_one_batch_takes_many_orders(bench: Bench) -> None:
    orders = [an_order(number=str(n), client=derive("client", n % 5)) for n in range(40)]
    published = await bench.hear(*(paid(order) for order in orders))
    assert len(published) == 40
    assert await bench.failing_checks() == {}


async def test_a_line_of_too_many_units_makes_no_devices_and_its_order_is_known(bench: Bench) -> None:
    huge = an_order(an_item("99999999"), number="huge")
    await bench.hear(paid(huge), paid())
    assert await bench.dead_letters() == []
    assert len(await bench.rows("select 1 from order_copies")) == 2
    assert [row["id"] for row in await bench.rows("select id from devices")] == [FIRST]


async def test_a_service_eleven_months_ago_reminds_now_and_once(bench: Bench) -> None:
    await bench.hear(paid())
    at = await _serve(bench, FIRST, timedelta(days=336))
    (due,) = await bench.fire_timers()
    assert isinstance(due, MaintenanceDue)
    assert (due.last_service_at, due.due_at, due.device.client_id) == (at, months_later(at, 12), ALICE)
    assert await bench.fire_timers(ahead=timedelta(days=800)) == []
    assert await bench.failing_checks() == {}


async def test_the_notice_comes_in_the_eleventh_month_and_not_before(bench: Bench) -> None:
    await bench.hear(paid())
    at = await _serve(bench, FIRST)
    eleven = months_later(at, 11) - at
    assert await bench.fire_timers(ahead=eleven - timedelta(minutes=1)) == []
    assert kinds(await bench.fire_timers(ahead=eleven + timedelta(minutes=1))) == ["MaintenanceDue"]


async def test_the_next_service_puts_the_notice_off(bench: Bench) -> None:
    await bench.hear(paid())
    await _serve(bench, FIRST)
    await bench.fire_timers(ahead=timedelta(days=300))
    await _serve(bench, FIRST)
    assert await bench.fire_timers(ahead=timedelta(days=400)) == []
    assert kinds(await bench.fire_timers(ahead=timedelta(days=300 + 340))) == ["MaintenanceDue"]


async def test_a_closed_device_is_not_reminded_of_until_it_is_opened_again(bench: Bench) -> None:
    await bench.hear(paid())
    await _serve(bench, FIRST)
    assert kinds(await bench.hear(changed(an_order(refunded="1000", version=2)))) == ["DeviceClosed"]
    assert await bench.fire_timers(ahead=timedelta(days=400)) == []
    assert await bench.failing_checks() == {}
    assert kinds(await bench.hear(changed(an_order(version=3)))) == ["DeviceRegistered"]
    assert kinds(await bench.fire_timers(ahead=timedelta(days=400))) == ["MaintenanceDue"]


async def test_a_notice_that_falls_into_a_move_reaches_the_new_client(bench: Bench) -> None:
    await bench.hear(paid())
    await _serve(bench, FIRST)
    farewell, greeting = moved(an_order(), BOB)
    await bench.hear(farewell)
    assert await bench.fire_timers(ahead=timedelta(days=400)) == []
    assert await bench.failing_checks() == {}
    await bench.hear(greeting)
    (due,) = await bench.fire_timers(ahead=timedelta(days=400))
    assert due.partition_key == BOB


async def test_other_terms_move_the_notice(bench: Bench) -> None:
    await bench.hear(paid())
    at = await _serve(bench, FIRST)
    short = TERMS.model_copy(update={"service_months": 6})
    await bench.hear(changed(an_order(an_item(terms=short), version=2)))
    (row,) = await bench.rows("select due from chassis.timers where kind = 'maintenance'")
    assert row["due"] == months_later(at, 5)
    assert await bench.failing_checks() == {}


async def test_another_lead_moves_what_waits_page_by_page(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.consume.jobs.PAGE", 1)
    await bench.hear(paid(an_order(an_item("3"))))
    devices = [row["id"] for row in await bench.rows("select id from devices")]
    at = {device: await _serve(bench, device) for device in devices}
    async with bench.api("manager") as api:
        assert (await api.put("/v1/settings/maintenance", json={"lead_months": 3})).json()["version"] == 2
    assert await bench.do_jobs() == []
    assert await bench.fire_timers(ahead=timedelta(seconds=1)) == []
    timers: dict[Any, Any] = {row["subject"]: row["due"] for row in await bench.rows("select * from chassis.timers")}
    assert timers == {device: months_later(at[device], 9) for device in devices}
    assert await bench.failing_checks() == {}


async def test_many_devices_are_planned_anew_whoever_is_served_and_moved_meanwhile(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.consume.jobs.PAGE", 3)
    orders = [an_order(an_item("3"), number=f"B-{n}", client=derive("client", n)) for n in range(400)]
    await bench.hear(*(paid(order) for order in orders))
    at = datetime(2026, 11, 1, tzinfo=UTC)
    await bench.rows(
        "update devices set last_service_at = $1, notice_at = $2, notice_lead = 1", at, months_later(at, 11)
    )
    await bench.rows(
        "insert into service_orders (id, device_id, title, state, opened_at, completed_at, version)"
        " select gen_random_uuid(), id, 'Revize', 'completed', $1, $1, 2 from devices",
        at,
    )
    await bench.rows(
        "insert into chassis.timers (kind, subject, lane, due, cause) select $1, id, 0, notice_at, $2 from devices",
        REMIND,
        pack(command_cause()),
    )
    async with bench.api("manager") as api:
        await api.put("/v1/settings/maintenance", json={"lead_months": 3})
    assert await do_pages(bench.database, bench.service) > 0

    async def move() -> None:
        for order in orders[:40]:
            await bench.hear(*moved(order, derive("client", "new", order.id)))

    async def serve() -> list[datetime]:
        return [await _serve(bench, device_id(order.id, 1, 1)) for order in orders[40:50]]

    await asyncio.gather(move(), serve(), bench.do_jobs(), bench.do_jobs())
    await bench.do_jobs()
    rows = await bench.rows("select last_service_at, notice_at, notice_lead from devices")
    assert len(rows) == 1_200
    assert {(row["notice_at"], row["notice_lead"]) for row in rows} == {
        (months_later(row["last_service_at"], 9), 3) for row in rows
    }
    assert (await bench.failing_checks()).keys() == {"service-desk.service-order-was-published"}  # put in by hand


async def test_a_device_that_moves_into_a_lane_already_done_is_planned_with_the_present_lead(bench: Bench) -> None:
    order = an_order()
    await bench.hear(paid(order))
    at = await _serve(bench, FIRST)
    async with bench.api("manager") as api:
        await api.put("/v1/settings/maintenance", json={"lead_months": 3})
    await bench.rows("delete from chassis.jobs where lane <> $1", lane_of(ALICE))
    assert lane_of(ALICE) != lane_of(BOB)
    await bench.hear(*moved(order, BOB))
    await bench.do_jobs()
    assert await bench.rows("select due from chassis.timers") == [(months_later(at, 9),)]
    assert await bench.rows("select lane, notice_lead from devices") == [(lane_of(BOB), 3)]
    assert await bench.failing_checks() == {}
