"""Whatever the order in which lanes are heard, whatever is heard twice, however it is cut: the facts end the same."""

from collections.abc import Sequence
from decimal import Decimal
from json import loads
from typing import NamedTuple
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automation.domain.facts import ClientFacts
from automation.domain.trigger import client_of
from automation.handlers import keep_card, keep_orders
from chassis.testing import Bench
from schemas.clients import ClientChanged, ClientEvent
from schemas.event import Event
from schemas.orders import Order, OrderChanged, OrderEvent
from schemas.values import Money
from services.automation.tests.factories import ALICE, BOB, PAID, a_card, an_order, moved

amounts = st.decimals(-500, 100_000, places=2)
steps = st.one_of(
    st.just(("pay", None)),
    st.tuples(st.just("edit"), amounts),
    st.tuples(st.just("refund"), amounts.map(abs)),
    st.tuples(st.just("move"), st.sampled_from([ALICE, BOB, None])),
    st.tuples(st.just("card"), st.sampled_from(["VIP", "Lead"])),
)
histories = st.lists(st.tuples(st.sampled_from(["A-1", "E-2"]), steps), max_size=14)
TOLD = "select client_id, orders, paid_orders, revenue::text, last_order_at, status from client_facts order by 1"


class Hearing(NamedTuple):
    """A history, and its events in some order that sources and lanes allow, cut into batches."""

    history: list[Event]
    batches: list[list[Event]]


def _tell(history: Sequence[tuple[str, tuple[str, object]]]) -> list[Event]:
    orders: dict[str, Order] = {}
    events: list[Event] = []
    for number, (verb, value) in history:
        if verb == "card":
            events.append(ClientChanged(client=a_card(len(events) + 1, str(value))))
            continue
        currency = "EUR" if number.startswith("E") else "CZK"
        order = orders.get(number) or an_order(number=number, currency=currency, paid_at=None, version=1)
        if number not in orders:
            events.append(OrderChanged(order=order))
        order = order.model_copy(update={"version": order.version + 1})
        if verb == "move" and value != order.client_id:
            events += moved(order, value if isinstance(value, UUID) else None)
            orders[number] = order.model_copy(update={"client_id": value, "version": order.version + 2})
            continue
        if verb == "pay":
            order = order.model_copy(update={"paid_at": PAID})
        elif isinstance(value, Decimal):
            money = Money(amount=value, currency=currency)
            order = order.model_copy(update={"total" if verb == "edit" else "refunded": money})
        orders[number] = order
        events.append(OrderChanged(order=order))
    return events


@st.composite
def hearings(draw: st.DrawFn) -> Hearing:
    """Interleave the lanes of the sources, hear some prefixes again, cut into batches of one source."""
    history = _tell(draw(histories))
    lanes: dict[tuple[str, UUID], list[Event]] = {}
    for event in history:
        lanes.setdefault((event.owner(), event.partition_key), []).append(event)
    turns = draw(st.permutations([key for key in sorted(lanes) for _ in lanes[key]]))
    again = draw(st.sets(st.integers(0, 30), max_size=4))
    cuts = draw(st.sets(st.integers(0, 30)))
    waiting = {key: iter(events) for key, events in lanes.items()}
    heard = [event for n, key in enumerate(turns) for event in [next(waiting[key])] * (2 if n in again else 1)]
    batches: list[list[Event]] = []
    for number, event in enumerate(heard):
        if not batches or batches[-1][0].owner() != event.owner() or number in cuts:
            batches.append([])
        batches[-1].append(event)
    return Hearing(history, batches)


def _expected(history: Sequence[Event]) -> dict[UUID, tuple[object, ...]]:
    """Compute the facts from the end of the history alone."""
    orders = {event.order.id: event.order for event in history if isinstance(event, OrderEvent)}
    status = next((e.client.status for e in reversed(history) if isinstance(e, ClientEvent)), None)
    facts: dict[UUID, tuple[object, ...]] = {}
    for client in (ALICE, BOB):
        mine = [order for order in orders.values() if order.client_id == client]
        sums: dict[str, Decimal] = {}
        for order in mine:
            if order.paid:
                more = order.total.amount - order.refunded.amount
                sums[order.total.currency] = sums.get(order.total.currency, Decimal(0)) + more
        revenue = {currency: amount for currency, amount in sums.items() if amount}
        known = status if client == ALICE else None
        facts[client] = (len(mine), sum(o.paid for o in mine), revenue, PAID if mine else None, known)
    return facts


@settings(max_examples=300, deadline=None)
@given(hearings())
def test_facts_converge_in_memory(hearing: Hearing) -> None:
    clients = {client: ClientFacts(client) for client in (ALICE, BOB)}
    for event in (event for batch in hearing.batches for event in batch):
        client = client_of(event)
        if client is not None and isinstance(event, OrderEvent):
            keep_orders(clients[client], event)
        elif client is not None and isinstance(event, ClientEvent):
            keep_card(clients[client], event)
    found = {
        who: (c.facts.orders, c.facts.paid_orders, c.facts.revenue, c.facts.last_order_at, c.card.status)
        for who, c in clients.items()
    }
    assert found == _expected(hearing.history)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hearings())
async def test_facts_converge_in_the_database(bench: Bench, hearing: Hearing) -> None:
    await bench.rows("truncate client_facts, order_copies, runs")
    for batch in hearing.batches:
        await bench.hear(*batch)
    found = {row["client_id"]: tuple(row)[1:] for row in await bench.rows(TOLD)}
    for client, (orders, paid, revenue, last, status) in _expected(hearing.history).items():
        if client in found:
            assert found[client][:2] == (orders, paid)
            assert {name: Decimal(amount) for name, amount in loads(found[client][2]).items()} == revenue
            assert found[client][3:] == (last, status)
        else:
            assert not orders
    assert not set(await bench.failing_checks()) & {
        "automation.facts-follow-orders",
        "automation.revenue-follows-orders",
    }
    assert await bench.dead_letters() == []
