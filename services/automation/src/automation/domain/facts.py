"""What automation knows of a client: the card and the orders, as their owners last said."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from schemas.clients import ClientEvent, ClientForgotten
from schemas.event import NEVER, Stamp
from schemas.orders import OrderEvent, OrderForgotten, OrderLeft

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
    """One order as it was last heard in the client's lane; ``present`` is False once it has left or is forgotten."""

    order_id: UUID
    version: int = 0
    present: bool = False
    kind: str = "order"
    paid: bool = False
    revenue: Decimal = NOTHING
    currency: str = ""
    placed_at: datetime | None = None
    incarnation: int = 0

    @property
    def stamp(self) -> Stamp:
        """What guards the copy."""
        return Stamp(self.incarnation, self.version)


@dataclass(slots=True)
class ClientFacts:
    """One client's facts, with the copies of the orders that a batch touches.

    ``last_of_others`` is when the latest of all its other orders was placed.
    """

    client_id: UUID
    card_stamp: Stamp = NEVER
    card: Card = field(default_factory=Card)
    facts: Facts = field(default_factory=Facts)
    copies: dict[UUID, OrderCopy] = field(default_factory=dict)
    last_of_others: datetime | None = None
    touched: set[UUID] = field(default_factory=set)
    card_changed: bool = False

    def keep_card(self, event: ClientEvent | ClientForgotten) -> None:
        """Take over the card, or that there is none, unless something later is known."""
        if event.stamp <= self.card_stamp:
            return
        client = event.client if isinstance(event, ClientEvent) else None
        self.card = Card(client.name, client.status, client.starred) if client else Card()
        self.card_stamp, self.card_changed = event.stamp, True

    def keep_order(self, event: OrderEvent) -> None:
        """Take over an order as it came, changed or left, unless something later is known."""
        order = event.order
        copy = self.copies.setdefault(order.id, OrderCopy(order.id))
        if event.stamp <= copy.stamp:
            return
        self._count(copy, -1)
        copy.incarnation, copy.version = event.stamp
        copy.present, copy.kind, copy.paid = not isinstance(event, OrderLeft), order.kind, order.paid
        copy.revenue = order.total.amount - order.refunded.amount if order.paid else NOTHING
        copy.currency, copy.placed_at = order.total.currency, order.placed_at
        self._count(copy, 1)
        self.facts.last_order_at = self._last_order()
        self.touched.add(order.id)

    def forget_order(self, event: OrderForgotten) -> None:
        """Count an order no more that is no more, if it was ever heard of."""
        copy = self.copies.get(event.order_id)
        if copy is None or event.stamp <= copy.stamp:
            return
        self._count(copy, -1)
        copy.incarnation, copy.version = event.stamp
        copy.present = False
        self.facts.last_order_at = self._last_order()
        self.touched.add(copy.order_id)

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
