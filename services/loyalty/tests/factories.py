"""Orders, their events and accounts as tests want them."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from loyalty.domain import FIRST_PROGRAMME, Account, Programmes, Why
from schemas.automation import PointsAwardRequested
from schemas.ids import derive
from schemas.loyalty import Programme
from schemas.orders import Order, OrderAssigned, OrderChanged, OrderEvent, OrderLeft, OrderPaid
from schemas.values import Identity, Money

ALICE, BOB = derive("client", "Alice"), derive("client", "Bob")
IDENTITY = Identity(kind="ico", value="25596641")
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
PAID = datetime(2026, 10, 2, 11, 30, tzinfo=UTC)
REVISED = datetime(2026, 10, 5, 8, tzinfo=UTC)
WHY = Why(derive("event"), "orders/3/17")


def an_order(
    total: str = "1000",
    *,
    client: UUID | None = ALICE,
    refunded: str = "0",
    currency: str = "CZK",
    paid_at: datetime | None = PAID,
    number: str = "A-1",
    version: int = 1,
) -> Order:
    return Order(
        id=derive("order", number), channel_id=derive("channel"), external_id=number, number=number, client_id=client,
        kind="refund" if Decimal(total) < 0 else "order", identity=IDENTITY, state="paid" if paid_at else "open",
        total=Money(amount=Decimal(total), currency=currency),
        refunded=Money(amount=Decimal(refunded), currency=currency),
        placed_at=PAID, paid_at=paid_at, revised_at=REVISED, version=version,
    )  # fmt: skip


def paid(total: str = "1000", *, client: UUID = ALICE, number: str = "A-1", version: int = 1) -> OrderPaid:
    return OrderPaid(order=an_order(total, client=client, number=number, version=version))


def changed(order: Order) -> OrderChanged:
    return OrderChanged(order=order)


def moved(order: Order, to: UUID | None, *, old_state: bool = False) -> tuple[OrderEvent, OrderEvent]:
    """Return the farewell and the greeting of an order that goes to another client, or back to its identity.

    The farewell may carry the order's new state or, with ``old_state``, the one in which it leaves.
    """
    there = order.model_copy(update={"client_id": to, "version": order.version + 2})
    farewell = (order if old_state else there).model_copy(update={"version": order.version + 1})
    return OrderLeft(order=farewell, left=order.key), OrderAssigned(order=there)


def an_account(*versions: Programme, client: UUID = ALICE, now: datetime = NOW) -> Account:
    return Account(client, Programmes([FIRST_PROGRAMME, *versions], now))


def a_programme(version: int, valid_from: datetime, **rates: str) -> Programme:
    return Programme(
        rates={currency: Decimal(rate) for currency, rate in rates.items()},
        tiers={"silver": 3_000, "gold": 10_000}, valid_from=valid_from, version=version,
    )  # fmt: skip


def an_award(points: int, name: str = "birthday", client: UUID = ALICE) -> PointsAwardRequested:
    return PointsAwardRequested(
        request_id=derive("request", name), client_id=client, rule_id=derive("rule"), rule_version=1, points=points
    )
