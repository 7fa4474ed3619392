"""What a client's orders add up to: a copy of each, as far as counts and revenue need it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from schemas.orders import Order

NOTHING = Decimal(0)


@dataclass(slots=True)
class OrderCopy:
    """An order as one client's lane told it last; not ``present`` once it has left the client."""

    client_id: UUID
    order_id: UUID
    version: int = 0
    present: bool = False
    kind: str = "order"
    paid: bool = False
    revenue: Decimal = NOTHING
    currency: str = ""
    placed_at: datetime | None = None
    changed: bool = False

    def hear(self, order: Order, *, left: bool) -> None:
        """Take the order's state, unless a newer one was heard: lanes have no order between them."""
        if order.version <= self.version:
            return
        self.version, self.kind, self.present, self.changed = order.version, order.kind, not left, True
        self.currency, self.placed_at = order.total.currency, order.placed_at
        self.paid = order.paid and not left
        self.revenue = order.total.amount - order.refunded.amount if self.paid else NOTHING
