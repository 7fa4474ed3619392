"""Every check passes on what the service writes, and fails on what it never would."""

import pytest
from factories import ALICE, BOB, FIRST, an_item, an_order, changed, moved, paid

from chassis.testing import Bench
from service_desk.store import CHECKS, COPIES

CORRUPTIONS = {
    "service-desk.device-is-where-its-order-is": (
        "update order_copies set client_id = gen_random_uuid() where client_id is not null"
    ),
    "service-desk.order-has-its-devices": "update order_copies set units = units + 1",
    "service-desk.undeclared-is-closed": "update devices set state = 'active' where state = 'closed'",
    "service-desk.warranty-follows-terms": "update devices set warranty_until = warranty_until + interval '1 day'",
    "service-desk.last-service-is-the-latest": (
        "update service_orders set completed_at = completed_at + interval '1 hour' where state = 'completed'"
    ),
    "service-desk.notice-is-planned-with-the-present-lead": "update settings set lead_months = 5",
    "service-desk.notice-has-its-timer": "delete from chassis.timers",
    "service-desk.device-version-was-published": "update devices set version = version + 1",
    "service-desk.service-order-was-published": "update service_orders set version = version + 1",
}


async def _live(bench: Bench) -> None:
    await bench.hear(paid(an_order(an_item("3"))), changed(an_order(an_item("2"), version=2)))
    await bench.hear(paid(an_order(number="B-1")), *moved(an_order(number="B-1"), BOB))
    async with bench.api() as api:
        opened = await api.post("/v1/service-orders", json={"device_id": str(FIRST), "title": "Revize"})
        path = f"/v1/service-orders/{opened.json()['id']}/complete"
        assert (await api.post(path, json={"completed_at": "2026-10-01T08:00:00Z"})).status_code == 200


async def test_all_checks_pass_on_what_the_service_writes(bench: Bench) -> None:
    await _live(bench)
    assert await bench.failing_checks() == {}
    assert all([(await bench.rows(check.examined))[0][0] > 0 for check in CHECKS])


def test_every_check_has_its_corruption() -> None:
    assert set(CORRUPTIONS) == {check.name for check in CHECKS}


@pytest.mark.parametrize("name", CORRUPTIONS)
async def test_a_corruption_is_found_by_exactly_its_check(bench: Bench, name: str) -> None:
    await _live(bench)
    await bench.rows(CORRUPTIONS[name])
    failing = await bench.failing_checks()
    assert set(failing) == {name}
    assert all(failing[name])


async def test_copies_of_orders_are_what_verify_compares(bench: Bench) -> None:
    await _live(bench)
    await bench.hear(paid(an_order(number="C-1", client=None)))
    rows = {(row["order_id"], row["client_id"], row["version"]) for row in await bench.rows(COPIES["orders"])}
    assert rows == {(an_order().id, ALICE, 2), (an_order(number="B-1").id, BOB, 3)}
