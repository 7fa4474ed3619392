"""What a client's orders add up to: a copy of each, as far as counts and revenue need it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from schemas.event import NEVER, Stamp
from schemas.orders import OrderEvent, OrderForgotten, OrderLeft

NOTHING = Decimal(0)


@dataclass(slots=True)
class OrderCopy:
    """An order as one client's lane told it last; not ``present`` once it has left the client."""

    client_id: UUID
    order_id: UUID
    stamp: Stamp = NEVER
    present: bool = False
    kind: str = "order"
    paid: bool = False
    revenue: Decimal = NOTHING
    currency: str = ""
    placed_at: datetime | None = None
    changed: bool = False

    def hear(self, seen: OrderEvent) -> None:
        """Take the order's state, unless a newer one was heard: lanes have no order between them."""
        if seen.stamp <= self.stamp:
            return
        order, left = seen.order, isinstance(seen, OrderLeft)
        self.stamp, self.kind, self.present, self.changed = seen.stamp, order.kind, not left, True
        self.currency, self.placed_at = order.total.currency, order.placed_at
        self.paid = order.paid and not left
        self.revenue = order.total.amount - order.refunded.amount if self.paid else NOTHING

    def forget(self, forgotten: OrderForgotten) -> None:
        """Count the order no more, if it was ever heard of."""
        if NEVER < self.stamp < forgotten.stamp:
            self.stamp, self.present, self.changed = forgotten.stamp, False, True
            self.paid, self.revenue = False, NOTHING
