"""Orders that sell devices, and their events, as tests want them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from schemas.ids import derive, device_id
from schemas.orders import DeviceTerms, Item, Order, OrderAssigned, OrderChanged, OrderEvent, OrderLeft, OrderPaid
from schemas.values import Identity, Money

ALICE, BOB = derive("client", "Alice"), derive("client", "Bob")
IDENTITY = Identity(kind="ico", value="25596641")
PAID = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
TERMS = DeviceTerms(model="TČ 12 kW", warranty_months=24, service_months=12)
ORDER_ID = derive("order", "A-1")
FIRST = device_id(ORDER_ID, 1, 1)


def an_item(quantity: str = "1", *, line: int = 1, terms: DeviceTerms | None = TERMS) -> Item:
    return Item(
        line=line, sku="TC-12", name="Tepelné čerpadlo", quantity=Decimal(quantity), unit_price=Decimal(1000),
        device=terms, service_package="SERVIS-ROK",
    )  # fmt: skip


def an_order(
    *items: Item,
    client: UUID | None = ALICE,
    paid_at: datetime | None = PAID,
    refunded: str = "0",
    state: Literal["open", "paid", "refunded", "cancelled"] = "paid",
    version: int = 1,
    number: str = "A-1",
) -> Order:
    return Order(
        id=derive("order", number), channel_id=derive("channel"), external_id=number, number=number, client_id=client,
        identity=IDENTITY, state=state, total=Money(amount=Decimal(1000), currency="CZK"),
        refunded=Money(amount=Decimal(refunded), currency="CZK"), placed_at=PAID, paid_at=paid_at, revised_at=PAID,
        items=items or (an_item(),), version=version,
    )  # fmt: skip


def paid(order: Order | None = None) -> OrderPaid:
    return OrderPaid(order=order or an_order())


def changed(order: Order) -> OrderChanged:
    return OrderChanged(order=order)


def moved(order: Order, to: UUID | None, *, old_state: bool = False) -> tuple[OrderEvent, OrderEvent]:
    """Return the farewell and the greeting of an order that goes to another client, or back to its identity.

    The farewell may carry the order's new state or, with ``old_state``, the one in which it leaves.
    """
    there = order.model_copy(update={"client_id": to, "version": order.version + 2})
    farewell = (order if old_state else there).model_copy(update={"version": order.version + 1})
    return OrderLeft(order=farewell, left=order.key), OrderAssigned(order=there)


def kinds(events: Sequence[object]) -> list[str]:
    """Return what kinds of things were said, in order."""
    return [type(event).__name__ for event in events]
