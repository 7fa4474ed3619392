"""What automation knows of a client: the card and the orders, as their owners last said."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from schemas.clients import Client
from schemas.orders import Order

NOTHING = Decimal(0)


@dataclass(slots=True)
class Card:
    """The part of the client card that conditions may name; nothing before the first event about the card."""

    name: str | None = None
    status: str | None = None
    starred: bool | None = None


@dataclass(slots=True)
class Facts:
    """What the client's present orders add up to; ``revenue`` is paid less refunded, sums of zero left out."""

    orders: int = 0
    paid_orders: int = 0
    revenue: dict[str, Decimal] = field(default_factory=dict)
    last_order_at: datetime | None = None


@dataclass(slots=True)
class OrderCopy:
    """One order as it was last heard in the client's lane; ``present`` is False once it has left."""

    order_id: UUID
    version: int = 0
    present: bool = False
    kind: str = "order"
    paid: bool = False
    revenue: Decimal = NOTHING
    currency: str = ""
    placed_at: datetime | None = None


@dataclass(slots=True)
class ClientFacts:
    """One client's facts, with the copies of the orders that a batch touches.

    ``last_of_others`` is when the latest of all its other orders was placed.
    """

    client_id: UUID
    card_version: int = 0
    card: Card = field(default_factory=Card)
    facts: Facts = field(default_factory=Facts)
    copies: dict[UUID, OrderCopy] = field(default_factory=dict)
    last_of_others: datetime | None = None
    touched: set[UUID] = field(default_factory=set)
    card_changed: bool = False

    def keep_card(self, client: Client) -> None:
        """Take over the card, unless a later version is known."""
        if client.version <= self.card_version:
            return
        self.card = Card(client.name, client.status, client.starred)
        self.card_version, self.card_changed = client.version, True

    def keep_order(self, order: Order, *, present: bool) -> None:
        """Take over an order as it came, changed or left, unless a later version is known."""
        copy = self.copies.setdefault(order.id, OrderCopy(order.id))
        if order.version <= copy.version:
            return
        self._count(copy, -1)
        copy.version, copy.present, copy.kind, copy.paid = order.version, present, order.kind, order.paid
        copy.revenue = order.total.amount - order.refunded.amount if order.paid else NOTHING
        copy.currency, copy.placed_at = order.total.currency, order.placed_at
        self._count(copy, 1)
        self.facts.last_order_at = self._last_order()
        self.touched.add(order.id)

    def _count(self, copy: OrderCopy, sign: int) -> None:
        """Add what a present copy is worth to the facts, or take it away again."""
        if not copy.present:
            return
        self.facts.orders += sign if copy.kind == "order" else 0
        self.facts.paid_orders += sign if copy.kind == "order" and copy.paid else 0
        amount = self.facts.revenue.pop(copy.currency, NOTHING) + sign * copy.revenue
        if amount:
            self.facts.revenue[copy.currency] = amount

    def _last_order(self) -> datetime | None:
        times = [copy.placed_at for copy in self.copies.values() if copy.present and copy.kind == "order"]
        return max((at for at in (*times, self.last_of_others) if at is not None), default=None)

    def scene(self, event: Any = None) -> dict[str, Any]:  # noqa: ANN401 - any event, or none
        """Return what conditions are held against."""
        return {"event": event, "facts": self.facts, "client": self.card}
