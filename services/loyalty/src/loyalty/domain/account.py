"""The account: it bears for every order what the order deserves, and its ledger gets the difference."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple
from uuid import UUID

from chassis.errors import Rejected
from loyalty.domain.programme import Programmes, points_of, tier_of
from schemas import loyalty as public
from schemas.automation import PointsAwardRequested
from schemas.event import Event, Stamp
from schemas.ids import derive
from schemas.loyalty import PointsEarned, PointsTakenBack, Programme, RequestRefused, Tier, TierReached
from schemas.orders import Order

MOST_POINTS = 10**17
"""No balance goes beyond, either way: what would is bad data, not points."""


class Why(NamedTuple):
    """The event behind an entry: its id, and its place ``source/lane/sequence``."""

    event_id: UUID
    place: str


class Entry(NamedTuple):
    """One line of an account's ledger; never changed, never taken away."""

    id: UUID
    client_id: UUID
    order_id: UUID | None
    kind: Literal["order", "award"]
    points: int
    balance: int
    at: datetime
    programme_version: int | None
    why: Why


@dataclass(frozen=True, slots=True)
class OrderCopy:
    """What an account last heard of an order, and the points it bears for it.

    ``present`` is false once the order has left for another client, or is forgotten: it bears nothing here any more.
    """

    order_id: UUID
    version: int
    kind: str
    currency: str
    total: Decimal
    refunded: Decimal
    paid_at: datetime | None
    present: bool
    points: int = 0
    programme_version: int | None = None
    incarnation: int = 0

    @property
    def stamp(self) -> Stamp:
        """What guards the copy."""
        return Stamp(self.incarnation, self.version)


@dataclass(slots=True)
class Account:
    """A client's points; ``orders`` holds the copies looked at now, ``entries`` the new lines of the ledger."""

    client_id: UUID
    programmes: Programmes
    points: int = 0
    tier: Tier = "bronze"
    version: int = 0
    orders: dict[UUID, OrderCopy] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)

    def settle(self, order: Order, why: Why, *, incarnation: int = 0, present: bool = True) -> Iterator[Event]:
        """Make the account bear for an order exactly what its latest state deserves.

        A payment, a refund, an edit, a farewell and a late event are all this one difference. The version of the
        programme is decided once, when the account first sees the order paid (see ``Programmes.of_payment``), and stays
        with the order; only while there is none, or it does not name the order's currency, is it looked for anew.
        """
        known = self.orders.get(order.id)
        if known and (incarnation, order.version) <= known.stamp:
            return
        programme = self._programme_of(order, known)
        copy = self.orders[order.id] = OrderCopy(
            order.id, order.version, order.kind, order.total.currency, order.total.amount, order.refunded.amount,
            order.paid_at, present, _due(order, programme) if present else 0, programme.version if programme else None,
            incarnation,
        )  # fmt: skip
        first = known is None or known.programme_version is None
        at = (order.paid_at if first else None) or order.revised_at
        yield from self._book_difference(known, copy, at, why)

    def forget(self, order_id: UUID, why: Why, *, incarnation: int) -> Iterator[Event]:
        """Bear nothing any more for an order that is no more, if it was ever heard of."""
        known = self.orders.get(order_id)
        if known and (incarnation, 0) > known.stamp:
            copy = replace(known, version=0, incarnation=incarnation, present=False, points=0)
            self.orders[order_id] = copy
            yield from self._book_difference(known, copy, self.programmes.now, why)

    def _book_difference(self, known: OrderCopy | None, copy: OrderCopy, at: datetime, why: Why) -> Iterator[Event]:
        entry_id = derive("entry", self.client_id, copy.order_id, *copy.stamp)
        difference = copy.points - (known.points if known else 0)
        entry = Entry(entry_id, self.client_id, copy.order_id, "order", difference, 0, at, copy.programme_version, why)
        yield from self._book(entry)

    def award(self, request: PointsAwardRequested, why: Why) -> Iterator[Event]:
        """Add the points that a rule asks for, or refuse them."""
        if self.points + request.points > MOST_POINTS:
            yield RequestRefused(request_id=request.request_id, client_id=self.client_id, reason="too-many-points")
            return
        entry_id = derive("entry", self.client_id, request.request_id)
        now = self.programmes.now
        entry = Entry(entry_id, self.client_id, None, "award", request.points, 0, now, None, why)
        yield from self._book(entry, request.request_id)

    def regrade(self) -> Iterator[Event]:
        """Come to the tier that the points deserve under the programme in force."""
        programme = self.programmes.in_force
        previous, self.tier = self.tier, tier_of(self.points, programme.tiers)
        if self.tier != previous:
            yield TierReached(account=self._next(), previous=previous, programme_version=programme.version)

    def _programme_of(self, order: Order, known: OrderCopy | None) -> Programme | None:
        decided = self.programmes.version(known.programme_version) if known else None
        if order.paid_at is None or (decided and order.total.currency in decided.rates):
            return decided
        return self.programmes.of_payment(order.total.currency, order.paid_at)

    def _book(self, entry: Entry, request_id: UUID | None = None) -> Iterator[Event]:
        """Write an entry, say that points came or went, and which tier was reached by it."""
        if entry.points == 0:
            return
        balance = self.points + entry.points
        if abs(balance) > MOST_POINTS:
            message = "the balance would be beyond what points can be"
            raise Rejected(message)
        self.points = balance
        self.entries.append(entry._replace(balance=balance))
        programme = self.programmes.in_force
        previous, self.tier = self.tier, tier_of(balance, programme.tiers)
        account, order_id = self._next(), entry.order_id
        if entry.points > 0:
            yield PointsEarned(account=account, points=entry.points, order_id=order_id, request_id=request_id)
        else:
            yield PointsTakenBack(account=account, points=-entry.points, order_id=order_id)
        if self.tier != previous:
            yield TierReached(account=self._next(), previous=previous, programme_version=programme.version)

    def _next(self) -> public.Account:
        self.version += 1
        return public.Account(client_id=self.client_id, points=self.points, tier=self.tier, version=self.version)


def _due(order: Order, programme: Programme | None) -> int:
    if programme is None or order.paid_at is None:
        return 0
    return points_of(order.total.amount - order.refunded.amount, programme.rates[order.total.currency])
