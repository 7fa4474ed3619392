"""Whatever the order in which lanes are heard, whatever is heard twice: the accounts end the same."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chassis.events.unit import command_cause
from chassis.testing import Bench
from loyalty import store
from loyalty.domain import Account
from loyalty.handlers import settle_order
from schemas.orders import Order, OrderEvent, OrderLeft
from schemas.values import Money
from services.loyalty.tests.factories import (
    ALICE,
    BOB,
    NOW,
    PAID,
    a_programme,
    an_account,
    an_order,
    changed,
    moved,
)  # fmt: skip

CAUSE = command_cause("test")
SECOND = a_programme(2, PAID + timedelta(days=1), CZK="7", EUR="0.4")
RATES = {
    ("CZK", False): Decimal(10),
    ("CZK", True): Decimal(7),
    ("EUR", False): Decimal("0.4"),
    ("EUR", True): Decimal("0.4"),
}
"""Money per point by currency and by whether the second programme had begun."""
amounts = st.decimals(-500, 100_000, places=2)
steps = st.one_of(
    st.tuples(st.just("pay"), st.sampled_from([PAID, PAID + timedelta(days=2)])),
    st.tuples(st.just("edit"), amounts),
    st.tuples(st.just("refund"), amounts.map(abs)),
    st.tuples(st.just("move"), st.sampled_from([ALICE, BOB, None])),
)
histories = st.lists(st.tuples(st.sampled_from(["A-1", "E-2"]), steps), max_size=14)


class Hearing(NamedTuple):
    """A history's events in some order that lanes allow, cut into batches."""

    history: list[OrderEvent]
    batches: list[list[OrderEvent]]


def _tell(history: Iterable[tuple[str, tuple[str, object]]]) -> list[OrderEvent]:
    """Return the events of a history, each with the order's next version, as the orders service publishes them."""
    orders: dict[str, Order] = {}
    events: list[OrderEvent] = []
    for number, (verb, value) in history:
        currency = "EUR" if number.startswith("E") else "CZK"
        order = orders.get(number) or an_order(number=number, currency=currency, paid_at=None, version=1)
        if number not in orders:
            events.append(changed(order))
        order = order.model_copy(update={"version": order.version + 1})
        if verb == "move" and value != order.client_id:
            events += moved(order, value if isinstance(value, UUID) else None, old_state=order.version % 2 == 0)
            orders[number] = events[-1].order
            continue
        if verb == "pay" and not order.paid:
            order = order.model_copy(update={"paid_at": value})
        if verb in {"edit", "refund"} and isinstance(value, Decimal):
            money = Money(amount=value, currency=currency)
            order = order.model_copy(update={"total" if verb == "edit" else "refunded": money})
        orders[number] = order
        events.append(changed(order))
    return events


@st.composite
def hearings(draw: st.DrawFn) -> Hearing:
    history = _tell(draw(histories))
    lanes: dict[UUID, list[OrderEvent]] = {}
    for event in history:
        lanes.setdefault(event.partition_key, []).append(event)
    heard: list[OrderEvent] = []
    while any(lanes.values()):
        lane = draw(st.sampled_from(sorted(key for key, left in lanes.items() if left)))
        heard.append(lanes[lane].pop(0))
        if draw(st.integers(0, 5)) == 0:
            heard.append(draw(st.sampled_from(heard)))
    batches: list[list[OrderEvent]] = [[]]
    for event in heard:
        if draw(st.booleans()):
            batches.append([])
        batches[-1].append(event)
    return Hearing(history, [batch for batch in batches if batch])


def _points_by_the_book(history: Sequence[OrderEvent]) -> dict[UUID, int]:
    """Return what each client should have: an independent reading of the contract, over whole histories."""
    balance = {ALICE: 0, BOB: 0}
    for client in balance:
        last = {event.order.id: event for event in history if event.partition_key == client}
        for event in last.values():
            order = event.order
            if isinstance(event, OrderLeft) or order.paid_at is None:
                continue
            rate = RATES[order.total.currency, order.paid_at > PAID]
            cents = int((order.total.amount - order.refunded.amount) * 100)
            balance[client] += cents // int(rate * 100)
    return balance


def _in_memory(batches: Iterable[Iterable[OrderEvent]]) -> dict[UUID, Account]:
    accounts = {client: an_account(SECOND, client=client, now=NOW) for client in (ALICE, BOB)}
    for event in (event for batch in batches for event in batch):
        if (client := store.accounts.key(event)) in accounts:
            list(settle_order(accounts[client], event, cause=CAUSE))
    return accounts


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(hearings())
def test_any_order_of_lanes_ends_in_the_points_of_the_contract(hearing: Hearing) -> None:
    accounts = _in_memory(hearing.batches)
    assert {client: account.points for client, account in accounts.items()} == _points_by_the_book(hearing.history)
    for account in accounts.values():
        assert sum(entry.points for entry in account.entries) == account.points


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hearings())
async def test_the_database_ends_the_same_in_any_batches(bench: Bench, hearing: Hearing) -> None:
    await _begin_anew(bench)
    for batch in hearing.batches:
        await bench.hear(*batch)
    rows = await bench.rows("select client_id, points from accounts where client_id = any($1)", [ALICE, BOB])
    points = {ALICE: 0, BOB: 0} | {row["client_id"]: row["points"] for row in rows}
    assert points == _points_by_the_book(hearing.history)
    assert await bench.failing_checks() == {}
    assert await bench.dead_letters() == []


async def _begin_anew(bench: Bench) -> None:
    """Examples of one test share a database: take out what the one before put in."""
    await bench.rows("truncate accounts, order_copies, entries, chassis.events")
    await bench.rows(
        "insert into programmes values (2, $1, $2, $3) on conflict do nothing",
        '{"CZK": "7", "EUR": "0.4"}',
        '{"silver": 3000, "gold": 10000}',
        SECOND.valid_from,
    )
