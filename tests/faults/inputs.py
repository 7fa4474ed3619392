"""What was put into the suite, and what must be true of it: a plain fold that imports nothing of the services."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from tests.shop import ShopOrder

LARGE = Decimal(50_000)
NOBODY = ""
"""Whose an order is that was taken from its client, by itself or with its IČO."""


class Firm(NamedTuple):
    """What one firm came to. A notice of a device's next service is a task and an opportunity."""

    orders: int
    points: int
    tier: str
    status: str
    starred: bool
    devices: int
    tasks: int
    opportunities: int


Truth = dict[str, Firm]


@dataclass
class Inputs:
    """Everything that shops and operators have said; ``moved`` is to which IČO an operator gave an order.

    ``owners`` is to which firm a person gave an IČO, and all orders with it.
    """

    sent: list[ShopOrder] = field(default_factory=list)
    moved: dict[int, str] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, str] = field(default_factory=dict)
    notices: Counter[str] = field(default_factory=Counter)
    silver: int = 3_000
    gold: int = 10_000

    def truth(self, acted: Sequence[ShopOrder] | None = None) -> Truth:
        """Return what is true of each IČO: the last revision of every order counts, for whom it belongs to.

        One point for 10 Kč of what is paid; the first paid order makes a regular, a large one a star; every paid order
        not given back in full is one device. Status and star come with the payment and stay when an order moves on;
        and when its owner no longer knows it, which was ``acted`` on all the same.
        """
        bought: dict[str, list[ShopOrder]] = defaultdict(list)
        has: dict[str, list[ShopOrder]] = defaultdict(list)
        for order in latest(self.sent if acted is None else acted):
            bought[order.ico].append(order)
        for order in latest(self.sent):
            has[self.moved.get(order.number, self.owners.get(order.ico, order.ico))].append(order)
        return {ico: self._firm(ico, orders, has[ico]) for ico, orders in bought.items()}

    def _firm(self, ico: str, bought: Iterable[ShopOrder], has: list[ShopOrder]) -> Firm:
        paid = [order for order in bought if order.paid]
        mine = [order for order in has if order.paid]
        points = sum(int((order.total - order.refunded) // 10) for order in mine)
        return Firm(
            orders=len(has),
            points=points,
            tier="gold" if points >= self.gold else "silver" if points >= self.silver else "bronze",
            status=self.statuses.get(ico, "Stálý odběratel" if paid else "Nový partner"),
            starred=any(order.total > LARGE for order in paid),
            devices=sum(order.refunded < order.total for order in mine),
            tasks=self.notices[ico],
            opportunities=self.notices[ico],
        )


def latest(sent: Iterable[ShopOrder]) -> Iterable[ShopOrder]:
    """Return the last revision of every order; of two equal ones the later one."""
    known: dict[int, ShopOrder] = {}
    for order in sent:
        if order.number not in known or order.revision >= known[order.number].revision:
            known[order.number] = order
    return known.values()
