"""What a shop sent and people said, and what must then be true; imports nothing of the services."""

from decimal import Decimal
from typing import NamedTuple

from tests.faults.judge import counts
from tests.rig import Rig
from tests.shop import ShopOrder

LARGE = Decimal(50_000)
Owners = dict[str, str | None]
"""Whose the orders of an IČO are by a person's word: another firm's, or nobody's. Its own if nothing was said."""


class Story:
    """What was sent and said so far, and what must be true of it; imports nothing of the services."""

    def __init__(self) -> None:
        self.sent: list[ShopOrder] = []
        self.owners: Owners = {}

    def copy(self) -> "Story":
        """Return the story as it is at a backup."""
        copied = Story()
        copied.sent, copied.owners = list(self.sent), dict(self.owners)
        return copied

    def truth(self, acted: "Story") -> dict[str, "Firm"]:
        """Return what is true of each firm; what rules did because of what was ``acted`` on stays done."""
        latest: dict[int, ShopOrder] = {}
        for order in self.sent:
            known = latest.get(order.number)
            if known is None or order.revision >= known.revision:
                latest[order.number] = order
        found = {}
        for ico in {order.ico for order in acted.sent}:
            mine = [order for order in latest.values() if self.owners.get(order.ico, order.ico) == ico]
            paid = [order for order in acted.sent if order.ico == ico and order.paid]
            found[ico] = Firm(
                len(mine),
                sum(int((order.total - order.refunded) // 10) for order in mine if order.paid),
                sum(order.paid and order.refunded < order.total for order in mine),
                "Stálý odběratel" if paid else "Nový partner",
                any(order.total > LARGE for order in paid),
            )
        return found


class Firm(NamedTuple):
    """What one firm came to."""

    orders: int
    points: int
    devices: int
    status: str
    starred: bool


BEGINNING = Firm(0, 0, 0, "", starred=False)


async def found(rig: Rig) -> dict[str, Firm]:
    """Return what the services' tables say of each firm."""
    clients = await rig.rows("clients", "select id, ico, status, starred from clients")
    orders = await counts(rig, "orders", "select client_id, count(*) from orders group by client_id")
    points = await counts(rig, "loyalty", "select client_id, sum(points)::bigint from entries group by client_id")
    devices = await counts(
        rig, "service-desk", "select client_id, count(*) from devices where state = 'active' group by client_id"
    )
    return {ico: Firm(orders[c], points[c], devices[c], status, starred) for c, ico, status, starred in clients}
