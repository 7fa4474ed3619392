"""Messages in, rows and events out, on a real PostgreSQL."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from chassis.errors import Rejected
from chassis.events.unit import unit_of_work
from chassis.testing import Bench
from orders.adapters.envelope import wrap
from orders.adapters.kafka_intake import accept, token_hash
from orders.domain.channel import MetaKeys
from schemas.event import Event
from schemas.ids import order_id
from schemas.orders import (
    OpportunityOpened,
    OrderAssigned,
    OrderCancelled,
    OrderChanged,
    OrderEvent,
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
    canonical,
    linked,
    raw,
    shop_order,
)

TABLES = ("orders", "identity_links", "cards", "products", "opportunities", "channels", "chassis.counters", "chassis.events")
PUT_PUMP = {
    "name": "Tepelné čerpadlo", "price": {"amount": "1000.005", "currency": "CZK"}, "device": {"model": "TČ 12"},
    "service_package": "SERVIS",
}  # fmt: skip


def kinds(events: Sequence[Event]) -> list[type[Event]]:
    """Types in the order of the subject's versions: lanes are read one after the other."""
    return [type(event) for event in sorted(events, key=lambda event: event.subject_version)]


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


async def test_a_shops_order_is_read_with_its_numbers_and_sums_exact(bench: Bench) -> None:
    events = await bench.take_in("woocommerce", CHANNEL, json.dumps(shop_order()).encode())
    assert isinstance(events[0], OrderPlaced)
    order = events[0].order
    assert order.identity == FIRM
    assert order.billing.label == "Firma s.r.o."
    assert order.total.amount == Decimal("1210.00")
    assert order.items[0].unit_price == Decimal("1000.123457")
    assert order.items[0].vat_rate == 21
    assert order.shipping is None
    assert order.paid_at == datetime(2026, 10, 1, 7, 6, tzinfo=UTC)
    assert order.state == "paid"


async def test_the_meta_keys_are_those_that_the_channel_had_when_the_message_came(bench: Bench) -> None:
    body = json.dumps(shop_order(meta_data=[{"key": "vat", "value": "CZ25596641"}, {"key": "ic", "value": 25596641}]))
    kept = wrap(body.encode(), START, MetaKeys(ico_keys=("none",), dic_keys=("vat",)))
    events = await bench.take_in("woocommerce", CHANNEL, kept)
    assert isinstance(events[0], OrderPlaced)
    assert events[0].order.identity.kind == "dic"


@pytest.mark.parametrize(
    ("status", "state"), [("trash", "cancelled"), ("failed", "cancelled"), ("refunded", "refunded"), ("on-hold", "paid")]
)
async def test_a_shops_status_becomes_a_state(bench: Bench, status: str, state: str) -> None:
    events = await bench.take_in("woocommerce", CHANNEL, json.dumps(shop_order(status=status)).encode())
    assert isinstance(events[-1], OrderEvent)
    assert events[-1].order.state == state
    assert (events[-1].order.refunded == events[-1].order.total) is (status == "refunded")


async def test_refunds_of_a_shop_are_added_up(bench: Bench) -> None:
    refunds = [{"id": 1, "total": "-100.10"}, {"id": 2, "total": "-0.05"}]
    events = await bench.take_in("woocommerce", CHANNEL, json.dumps(shop_order(refunds=refunds)).encode())
    assert kinds(events) == [OrderPlaced, OrderRefunded]
    assert isinstance(events[1], OrderRefunded)
    assert events[1].order.refunded.amount == Decimal("100.15")


async def test_a_deleted_order_is_cancelled_and_an_unknown_one_makes_nothing(bench: Bench) -> None:
    await bench.take_in("woocommerce", CHANNEL, json.dumps(shop_order()).encode())
    assert kinds(await bench.take_in("woocommerce-deleted", CHANNEL, b'{"id": 727}')) == [OrderCancelled]
    assert await bench.take_in("woocommerce-deleted", CHANNEL, b'{"id": 728}') == []


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


BAD: dict[str, bytes] = {
    "not JSON": b"{nope",
    "not UTF-8": b'{"external_id": "\xff"}',
    "a list": b"[]",
    "NUL": json.dumps(canonical(number="a\0b")).encode(),
    "lone surrogate": json.dumps(canonical(number="\ud800")).encode(),
    "beyond range": json.dumps(canonical(total="1e400")).encode(),
    "NaN": json.dumps(canonical(total=float("nan"))).encode(),
    "infinite": json.dumps(canonical(total="Infinity")).encode(),
    "huge integer": b'{"external_id": ' + b"9" * 5000 + b"}",
    "deep": b'{"a":' * 100_000,
    "mixed currencies": json.dumps(canonical(items=[{"quantity": 1, "unit_price": 1, "currency": "EUR"}])).encode(),
    "refund above zero": json.dumps(canonical(kind="refund")).encode(),
    "a typo": json.dumps(canonical(totall="1")).encode(),
    "no offset": json.dumps(canonical(placed_at="2026-10-01T07:05:00")).encode(),
    "year 1": json.dumps(canonical(placed_at="0001-01-01T00:00:00+14:00")).encode(),
    "oversized": json.dumps(canonical(items=[{"quantity": 1, "unit_price": 1, "name": "x" * 2000}] * 400)).encode(),
}


@pytest.mark.parametrize("name", BAD)
async def test_bad_messages_are_dead_letters_with_a_reason_and_the_batch_goes_on(bench: Bench, name: str) -> None:
    events = await bench.take_in("order", CHANNEL, raw(0, external_id="B"), BAD[name], raw(0, external_id="C"))
    assert kinds(events) == [OrderPlaced, OrderPlaced]
    (letter,) = await bench.dead_letters()
    assert letter["handler"] == "take_revision"
    assert letter["reason"]
    assert await bench.failing_checks() == {}


async def test_a_shop_with_mixed_currencies_or_of_a_wrong_shape_is_a_dead_letter(bench: Bench) -> None:
    bad: list[dict[str, Any]] = [
        {"refunds": [{"total": "-1", "currency": "EUR"}]}, {"billing": []}, {"id": "727"}, {"id": True}, {"total": None},
        {"line_items": [{"quantity": 1, "price": 1e300}]}, {"date_modified_gmt": None},
    ]  # fmt: skip
    assert await bench.take_in("woocommerce", CHANNEL, *(json.dumps(shop_order(**b)).encode() for b in bad)) == []
    assert len(await bench.dead_letters()) == len(bad)


async def test_what_is_odd_is_kept_with_a_warning(bench: Bench) -> None:
    items = [{"quantity": -1, "unit_price": "5"}]
    billing = {"ico": "25596640", "dic": "?", "email": ""}
    late = (START + timedelta(days=3)).isoformat()
    events = await bench.take_in("order", CHANNEL, raw(0, items=items, billing=billing, paid_at=late, refunded="2000"))
    assert isinstance(events[0], OrderPlaced)
    assert events[0].order.client_id is None
    assert events[0].order.identity.kind == "order"
    assert set(events[0].order.warnings) == {
        "ico-check-digit", "dic-form", "negative-quantity", "refunded-over-total", "date-in-future",
    }  # fmt: skip


async def test_a_rules_request_opens_one_opportunity_at_the_catalogues_price(bench: Bench) -> None:
    async with bench.api() as api:
        await api.put("/v1/products/SERVIS", json={"name": "Servis", "price": {"amount": "1500.005", "currency": "CZK"}})
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


async def test_the_topic_knows_channels_by_token_and_keeps_the_message_without_it(bench: Bench) -> None:
    async with bench.api() as api:
        token = (await api.post("/v1/channels", json={"kind": "kafka", "name": "ERP"})).json()["token"]
    good = json.dumps(canonical() | {"token": token}).encode()
    bodies = [good, b"\xff", json.dumps(canonical() | {"token": "no"}).encode(), b"{}", b'{"token": "\\ud800"}', good]
    async with unit_of_work(bench.database, "orders") as unit:
        await accept(unit, bodies)
    stored = await bench.rows("select body from chassis.intake")
    assert len(stored) == 2
    assert all(token.encode() not in row["body"] for row in stored)
    reasons = {letter["reason"].split(":")[0] for letter in await bench.dead_letters()}
    assert reasons == {"not UTF-8", "token-unknown", "token-missing"}
    assert kinds(await bench.take_in("order", CHANNEL)) == [OrderPlaced]
    assert token_hash(token) == (await bench.rows("select token_hash from channels"))[0]["token_hash"]


async def test_five_hundred_orders_take_a_handful_of_statements(bench: Bench) -> None:
    await bench.hear(linked())
    bodies = [raw(0, external_id=f"A-{n}", state="paid", paid_at=PAID) for n in range(500)]
    assert len(await bench.take_in("order", CHANNEL, *bodies)) == 1000
    again = [raw(1, external_id=f"A-{n}", state="paid", paid_at=PAID, number="x") for n in range(500)]
    assert kinds(await bench.take_in("order", CHANNEL, *again)) == [OrderChanged] * 500
    assert (await bench.rows("select count(*) from orders"))[0][0] == 500


def test_a_refusal_names_no_personal_data() -> None:
    from chassis.service import Intake  # noqa: PLC0415
    from orders.adapters.canonical import parse  # noqa: PLC0415

    body = json.dumps(canonical(total="secret@mail.example")).encode()
    with pytest.raises(Rejected) as refused:
        parse(Intake(1, "order", CHANNEL, body))
    assert "secret" not in str(refused.value)
    assert "total" in str(refused.value)
