"""What channels send: read exactly, kept with a warning, or buried with a reason; never half."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from chassis.consume.intake import decide_intake, store_intake, work_off
from chassis.errors import Rejected
from chassis.events.unit import unit_of_work
from chassis.service import Intake
from chassis.testing import Bench
from orders.adapters.envelope import wrap
from orders.domain.channel import MetaKeys
from schemas.orders import (
    OrderCancelled,
    OrderChanged,
    OrderEvent,
    OrderPlaced,
    OrderRefunded,
)
from services.orders.tests.factories import (
    CHANNEL,
    FIRM,
    PAID,
    START,
    a_revision,
    canonical,
    kinds,
    linked,
    raw,
    shop_order,
)


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
    ("status", "state"),
    [("trash", "cancelled"), ("failed", "cancelled"), ("refunded", "refunded"), ("on-hold", "paid")],
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


def deletion(hour: int, delivery: str = "") -> bytes:
    return wrap(b'{"id": 727}', START + timedelta(hours=hour), delivery=delivery)


async def test_a_deleted_order_is_cancelled_also_if_the_deletion_is_heard_first(bench: Bench) -> None:
    assert await bench.take_in("woocommerce-deleted", CHANNEL, deletion(1)) == []
    events = await bench.take_in("woocommerce", CHANNEL, json.dumps(shop_order()).encode())
    assert kinds(events) == [OrderPlaced, OrderCancelled]
    assert await bench.failing_checks() == {}


async def test_a_restored_order_is_back_whatever_is_delivered_again(bench: Bench) -> None:
    shop = json.dumps(shop_order()).encode()
    await bench.take_in("woocommerce", CHANNEL, shop)
    assert kinds(await bench.take_in("woocommerce-deleted", CHANNEL, deletion(1, "a"))) == [OrderCancelled]
    restored = wrap(shop, START + timedelta(hours=2))
    assert kinds(await bench.take_in("woocommerce-restored", CHANNEL, restored)) == [OrderChanged]
    assert await bench.take_in("woocommerce-deleted", CHANNEL, deletion(3, "a")) == []
    assert kinds(await bench.take_in("woocommerce-deleted", CHANNEL, deletion(4, "b"))) == [OrderCancelled]
    assert await bench.take_in("woocommerce-restored", CHANNEL, wrap(shop, START + timedelta(hours=5))) == []
    assert (await bench.rows("select state, told_state from orders"))[0] == ("cancelled", "paid")
    assert await bench.failing_checks() == {}


async def test_a_deletion_counts_also_where_the_shops_clock_is_ahead(bench: Bench) -> None:
    ahead = json.dumps(shop_order(minute=10)).encode()
    await bench.take_in("woocommerce", CHANNEL, wrap(ahead, START))
    gone = wrap(b'{"id": 727}', START + timedelta(minutes=5))
    assert kinds(await bench.take_in("woocommerce-deleted", CHANNEL, gone)) == [OrderCancelled]
    assert await bench.failing_checks() == {}


async def test_an_order_that_is_told_as_deleted_deletes_nothing(bench: Bench) -> None:
    shop = json.dumps(shop_order()).encode()
    await bench.take_in("woocommerce", CHANNEL, shop)
    captured = wrap(shop, START + timedelta(hours=1), delivery="another")
    assert await bench.take_in("woocommerce-deleted", CHANNEL, captured) == []
    (letter,) = await bench.dead_letters()
    assert "an id alone" in letter["reason"]
    assert await bench.failing_checks() == {}


async def test_a_deletion_that_nobody_dated_is_a_dead_letter(bench: Bench) -> None:
    assert await bench.take_in("woocommerce-deleted", CHANNEL, b'{"id": 727}') == []
    assert [letter["reason"] for letter in await bench.dead_letters()] == ["nobody noted when it came"]


BAD: dict[str, bytes] = {
    "not JSON": b"{nope",
    "not UTF-8": b'{"external_id": "\xff"}',
    "a list": b"[]",
    "NUL": json.dumps(canonical(number="a\0b")).encode(),
    "lone surrogate": json.dumps(canonical(number="\ud800")).encode(),
    "beyond range": json.dumps(canonical(total="1e400")).encode(),
    "beyond decimals": b'{"total": 1e9999999999999999999}',
    "NaN": json.dumps(canonical(total=float("nan"))).encode(),
    "infinite": json.dumps(canonical(total="Infinity")).encode(),
    "huge integer": b'{"external_id": ' + b"9" * 5000 + b"}",
    "deep": b'{"a":' * 100_000,
    "mixed currencies": json.dumps(canonical(items=[{"quantity": 1, "unit_price": 1, "currency": "EUR"}])).encode(),
    "refund above zero": json.dumps(canonical(kind="refund")).encode(),
    "a typo": json.dumps(canonical(totall="1")).encode(),
    "naive": json.dumps(canonical(placed_at="2026-10-01T07:05:00")).encode(),
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
        {"refunds": [{"total": "-1", "currency": "EUR"}]}, {"billing": []}, {"id": "7"}, {"id": True}, {"total": None},
        {"line_items": [{"quantity": 1, "price": 1e300}]}, {"date_modified_gmt": None},
    ]  # fmt: skip
    assert await bench.take_in("woocommerce", CHANNEL, *(json.dumps(shop_order(**b)).encode() for b in bad)) == []
    assert len(await bench.dead_letters()) == len(bad)


async def test_what_is_odd_is_kept_with_a_warning(bench: Bench) -> None:
    items = [{"quantity": -1, "unit_price": "5"}]
    billing = {"ico": "25596640", "dic": "?", "email": ""}
    late = (START + timedelta(days=4)).isoformat()
    events = await bench.take_in("order", CHANNEL, raw(0, items=items, billing=billing, paid_at=late, refunded="2000"))
    assert isinstance(events[0], OrderPlaced)
    assert events[0].order.client_id is None
    assert events[0].order.identity.kind == "order"
    assert set(events[0].order.warnings) == {
        "ico-check-digit", "dic-form", "negative-quantity", "refunded-over-total", "date-in-future",
    }  # fmt: skip


@pytest.mark.parametrize("known", [False, True])
async def test_five_hundred_orders_take_a_handful_of_statements(bench: Bench, known: bool) -> None:  # noqa: FBT001
    await bench.hear(linked())
    if known:
        await bench.take_in("order", CHANNEL, *(raw(0, external_id=f"A-{n}") for n in range(500)))
    bodies = [raw(1, external_id=f"A-{n}", state="paid", paid_at=PAID) for n in range(500)]
    said: list[str] = []
    async with unit_of_work(bench.database, "orders") as unit:
        with unit.connection.query_logger(lambda query: said.append(query.query)):
            taken = [Intake(n, "order", CHANNEL, body) for n, body in enumerate(bodies, start=1000)]
            assert await decide_intake(unit, bench.service, taken, careful=False) == []
            await unit.finish()
        unit._events.clear()
    assert len(said) <= 10, said
    assert (await bench.rows("select count(*) from orders where paid_announced"))[0][0] == 500


def test_a_refusal_names_no_personal_data() -> None:
    from orders.adapters.canonical import parse  # noqa: PLC0415

    body = json.dumps(canonical(total="secret@mail.example")).encode()
    with pytest.raises(Rejected) as refused:
        parse(Intake(1, "order", CHANNEL, body))
    assert "secret" not in str(refused.value)
    assert "total" in str(refused.value)


async def test_many_creators_of_one_order_under_different_identities_make_one(bench: Bench) -> None:
    billings = [{"ico": FIRM.value}, {"email": "a@b.example"}, {}]
    bodies = [raw(n, billing=billing) for n, billing in enumerate(billings * 5)]
    async with bench.database.pool.acquire() as connection:
        await store_intake(connection, "order", CHANNEL, *bodies)
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(_work_one_by_one(bench))
    assert [row["revised_at"] for row in await bench.rows("select revised_at from orders")] == [
        START + timedelta(minutes=len(bodies) - 1)
    ]
    assert await bench.dead_letters() == []
    assert await bench.failing_checks() == {}


async def _work_one_by_one(bench: Bench) -> None:
    while await work_off(bench.database, bench.service, 1):
        pass


def test_a_revision_from_the_future_counts_from_its_arrival() -> None:
    far = a_revision(60 * 24 * 365, received_at=START + timedelta(minutes=1))
    assert far.revised_at == START + timedelta(minutes=1)
    assert "date-in-future" in far.warnings
