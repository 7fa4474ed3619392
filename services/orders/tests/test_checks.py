"""Every check passes on what the service writes, and fails alone on what it never would."""

import pytest

from chassis.testing import Bench
from orders.store import CHECKS, COPIES
from services.orders.tests.factories import CHANNEL, PAID, a_client, a_request, linked, raw

CORRUPTIONS = {
    "orders.order-version-is-that-of-its-last-event": "update orders set version = version + 1",
    "orders.order-key-is-the-lane-key-of-its-last-event": (
        "update chassis.events set key = gen_random_uuid() where type = 'orders.order_paid.v1'"
    ),
    "orders.order-is-as-its-last-event-says": "update orders set total = total + 0.001",
    "orders.order-follows-its-identity-unless-an-operator-said-otherwise": (
        "update identity_links set client_id = null where client_id is not null"
    ),
    "orders.paid-is-announced-once": "update orders set paid_announced = false",
    "orders.nothing-is-refunded-below-zero": "update orders set kind = 'refund'",
    "orders.order-is-as-its-channel-told": "update orders set told_state = 'open' where state = 'paid'",
    "orders.identity-is-linked-to-a-known-client": "delete from cards",
    "orders.product-version-is-that-of-its-last-event": "update products set version = 7",
    "orders.opportunity-was-opened-once": "update opportunities set id = gen_random_uuid()",
}


async def _live(bench: Bench) -> None:
    async with bench.api() as api:
        price = {"amount": "1", "currency": "CZK"}
        await api.put("/v1/products/SERVIS", json={"name": "Servis", "price": price})
    await bench.take_in("order", CHANNEL, raw(0), raw(0, external_id="A-2", billing={}))
    await bench.hear(a_client(), linked())
    await bench.take_in("order", CHANNEL, raw(1, state="paid", paid_at=PAID))
    await bench.hear(a_request())


async def test_all_checks_pass_on_what_the_service_writes_and_examine_something(bench: Bench) -> None:
    await _live(bench)
    assert await bench.failing_checks() == {}
    for check in CHECKS:
        assert (await bench.rows(check.examined))[0][0] > 0, check.name


@pytest.mark.parametrize("name", CORRUPTIONS)
async def test_a_corrupted_row_is_found_by_its_check_alone(bench: Bench, name: str) -> None:
    await _live(bench)
    await bench.rows(CORRUPTIONS[name])
    assert list(await bench.failing_checks()) == [name]


def test_every_check_is_shown_to_fail() -> None:
    assert CORRUPTIONS.keys() == {check.name for check in CHECKS}


async def test_the_truth_for_copies_lists_orders_of_clients_and_what_they_brought(bench: Bench) -> None:
    await _live(bench)
    (row,) = await bench.rows(COPIES["orders"])
    assert [str(value) for value in list(row.values())[2:]] == ["4", "1000.00", "order"]
