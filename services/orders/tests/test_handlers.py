"""Messages in, rows and events out, on a real PostgreSQL."""

import json
from datetime import timedelta
from decimal import Decimal

from chassis.testing import Bench
from orders.adapters.envelope import wrap
from schemas.ids import order_id
from schemas.orders import (
    OpportunityOpened,
    OrderAssigned,
    OrderLeft,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
)
from services.orders.tests.factories import (
    ALICE,
    BOB,
    CHANNEL,
    FIRM,
    PAID,
    START,
    a_client,
    a_request,
    kinds,
    linked,
    raw,
    shop_order,
)

TABLES = (
    "orders",
    "identity_links",
    "cards",
    "products",
    "opportunities",
    "channels",
    "chassis.counters",
    "chassis.events",
)
PUT_PUMP = {
    "name": "Tepelné čerpadlo", "price": {"amount": "1000.005", "currency": "CZK"}, "device": {"model": "TČ 12"},
    "service_package": "SERVIS",
}  # fmt: skip


async def everything(bench: Bench) -> dict[str, list[str]]:
    """All rows of all tables but the raw intake."""
    rows = {table: await bench.rows(f"select t::text as row from {table} t order by 1") for table in TABLES}  # noqa: S608
    return {table: [row["row"] for row in found] for table, found in rows.items()}


async def test_the_walking_order_is_placed_linked_paid_refunded_and_announced_once(bench: Bench) -> None:
    async with bench.api() as api:
        await api.put("/v1/products/TC-12", json=PUT_PUMP)
    placed = await bench.take_in("order", CHANNEL, raw(0))
    assert kinds(placed) == [OrderPlaced]
    assert isinstance(placed[0], OrderPlaced)
    assert placed[0].partition_key == FIRM.id
    assert placed[0].order.items[0].device is not None
    assert placed[0].order.items[0].device.model == "TČ 12"
    assert placed[0].order.items[0].service_package == "SERVIS"
    assert kinds(await bench.hear(a_client(), linked())) == [OrderLeft, OrderAssigned]
    paid = await bench.take_in("order", CHANNEL, raw(5, state="paid", paid_at=PAID))
    assert kinds(paid) == [OrderPaid]
    assert paid[0].partition_key == ALICE
    refunded = await bench.take_in("order", CHANNEL, raw(9, state="paid", paid_at=PAID, refunded="250.5"))
    assert kinds(refunded) == [OrderRefunded]
    assert isinstance(refunded[0], OrderRefunded)
    assert (refunded[0].order.total - refunded[0].order.refunded).amount == Decimal("749.50")
    assert refunded[0].order.version == 5
    assert await bench.failing_checks() == {}


async def test_an_order_of_a_linked_identity_goes_to_its_client_at_once(bench: Bench) -> None:
    await bench.hear(linked())
    events = await bench.take_in("order", CHANNEL, raw(0, state="paid", paid_at=PAID))
    assert kinds(events) == [OrderPlaced, OrderPaid]
    assert {event.partition_key for event in events} == {ALICE}


async def test_the_same_messages_again_late_and_in_another_order_leave_every_table_as_before(bench: Bench) -> None:
    bodies = [raw(0), raw(3, total="1100"), raw(5, state="paid", paid_at=PAID), raw(9, refunded="5", paid_at=PAID)]
    shop = [json.dumps(shop_order(m, total=t)).encode() for m, t in ((0, "1"), (1, "2"), (1, "3"))]
    gone = wrap(b'{"id": 727}', START + timedelta(hours=1))
    await bench.hear(a_client(), linked())
    await bench.take_in("order", CHANNEL, *bodies)
    await bench.take_in("woocommerce", CHANNEL, *shop)
    await bench.take_in("woocommerce-deleted", CHANNEL, gone)
    before = await everything(bench)
    for _ in range(3):
        assert await bench.take_in("order", CHANNEL, *reversed(bodies * 3)) == []
        assert await bench.take_in("woocommerce", CHANNEL, *reversed(shop * 3)) == []
        assert await bench.take_in("woocommerce-deleted", CHANNEL, gone) == []
        assert await bench.hear(linked(), a_client()) == []
    assert await everything(bench) == before
    assert await bench.dead_letters() == []


async def test_two_identities_in_one_batch_and_an_order_that_changes_its_own(bench: Bench) -> None:
    await bench.hear(linked(FIRM, ALICE))
    other = {"company": "Jiná", "dic": "SK2020317068"}
    events = await bench.take_in("order", CHANNEL, raw(0), raw(0, external_id="A-2"), raw(1, billing=other))
    first = [e for e in events if e.subject_id == order_id(CHANNEL, "A-1")]
    assert kinds(first) == [OrderPlaced, OrderLeft, OrderAssigned]
    row = (await bench.rows("select client_id, assigned_by from orders where external_id = 'A-1'"))[0]
    assert tuple(row) == (None, None)
    assert await bench.failing_checks() == {"orders.identity-is-linked-to-a-known-client": [f"identity {FIRM.id}"]}


async def test_a_link_that_moves_takes_the_orders_with_it_and_an_older_one_does_not(bench: Bench) -> None:
    await bench.take_in("order", CHANNEL, raw(0, state="paid", paid_at=PAID), raw(0, external_id="A-2"))
    assert kinds(await bench.hear(linked(version=2))).count(OrderPaid) == 1
    assert await bench.hear(linked(client=BOB, version=1)) == []
    moved = await bench.hear(linked(client=BOB, version=3))
    assert sorted(kind.__name__ for kind in kinds(moved)) == ["OrderAssigned"] * 2 + ["OrderLeft"] * 2
    assert await bench.hear(linked(client=None, version=4)) != []
    assert {row["client_id"] for row in await bench.rows("select client_id from orders")} == {None}


async def test_a_rules_request_opens_one_opportunity_at_the_catalogues_price(bench: Bench) -> None:
    async with bench.api() as api:
        await api.put(
            "/v1/products/SERVIS", json={"name": "Servis", "price": {"amount": "1500.005", "currency": "CZK"}}
        )
        events = await bench.hear(a_request(1), a_request(1), a_request(2, sku="NONE"), a_request(3, sku=None))
        assert await bench.hear(a_request(1)) == []
        assert len(events) == 3
        assert all(isinstance(event, OpportunityOpened) for event in events)
        page = (await api.get("/v1/opportunities", params={"client_id": str(ALICE), "count": True})).json()
    assert page["count"] == 3
    (valued,) = [item for item in page["items"] if item["value"]]
    assert valued["value"] == {"amount": "3000.010", "currency": "CZK"}
    assert valued["name"] == "Servis"
    assert valued["stage"] == "Kvalifikace"
    assert valued["cause"]["source"] == "automation"
    assert valued["cause"]["rule_version"] == 3
