"""The order: what its channel says, whose it is, and what is told of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar
from uuid import UUID

from chassis.effects import Restate
from chassis.errors import VersionMismatch
from orders.domain.card import Card, overwritten
from orders.domain.errors import ClientUnknown, ConfirmationNeeded, OrderUnknown
from orders.domain.link import Link
from orders.domain.product import Catalogue, as_sold
from orders.domain.revision import Removal, Revision
from orders.domain.telling import Telling
from schemas.orders import (
    MOST_DEVICES,
    OrderAssigned,
    OrderCancelled,
    OrderChanged,
    OrderEvent,
    OrderForgotten,
    OrderLeft,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
)
from schemas.orders import (
    Order as PublicOrder,
)

E = TypeVar("E", bound=OrderEvent)
UNTOLD = frozenset({"version", "revised_at"})
"""Fields whose change alone is no news."""


@dataclass(frozen=True, slots=True)
class AssignClient:
    """An operator says whose an order is; its billing data gives way to the client's card."""

    order_id: UUID
    client_id: UUID
    overwrite_billing: bool
    expected_version: int | None = None


@dataclass(frozen=True, slots=True)
class UnassignClient:
    """An operator says that an order is nobody's."""

    order_id: UUID
    expected_version: int | None = None


@dataclass(slots=True)
class Order:
    """One order: its public state, and what its channel has told of it."""

    id: UUID
    public: PublicOrder | None = None
    telling: Telling = field(default_factory=Telling)
    paid_announced: bool = False
    stored: bool = False
    changed: bool = False
    replaced: dict[str, str] = field(default_factory=dict)

    def revise(self, revision: Revision, link: Link, catalogue: Catalogue) -> Iterator[OrderEvent]:
        """Follow the channel: the revision that counts says how the order is, the others add what they know."""
        known = replace(self.telling)
        new = self._as_told(revision, link, catalogue) if self.telling.hear(revision) else self.public
        if new and self.telling != known:
            yield from self._become(self.telling.shown(new))

    def remove(self, removal: Removal) -> Iterator[OrderEvent]:
        """Cancel what the channel deleted; what it has not told of yet will be cancelled when it does."""
        known = replace(self.telling)
        self.telling.hear_removal(removal)
        self.changed = self.changed or self.telling != known
        if self.public and self.telling != known:
            yield from self._become(self.telling.shown(self.public))

    def follow(self, link: Link) -> Iterator[OrderEvent]:
        """Go to the client of the identity's link, unless an operator has said otherwise."""
        if self.public and self.public.assigned_by != "operator":
            yield from self._become(self.public.model_copy(update=_by_link(link)))

    def assign(self, card: Card, command: AssignClient) -> Iterator[OrderEvent]:
        """Give the order to a client and overwrite its billing data for good.

        Raises OrderUnknown, VersionMismatch, ClientUnknown, and ConfirmationNeeded with the fields that would be lost.
        """
        public = self._present(command.expected_version)
        if card.billing is None:
            raise ClientUnknown
        billing, replaced = overwritten(public.billing, card.billing)
        if not command.overwrite_billing:
            raise ConfirmationNeeded(
                errors=[
                    {"field": name, "message": "would be replaced", "old": old, "new": new}
                    for name, (old, new) in replaced.items()
                ]
            )
        self.replaced = {name: old for name, (old, _) in replaced.items()}
        mine = {"client_id": command.client_id, "assigned_by": "operator", "billing": billing}
        yield from self._become(public.model_copy(update=mine))

    def unassign(self, command: UnassignClient) -> Iterator[OrderEvent]:
        """Take the order from its client; it stays nobody's whatever its identity is linked to."""
        public = self._present(command.expected_version)
        yield from self._become(public.model_copy(update={"client_id": None, "assigned_by": "operator"}))

    def restate(self, asked: Restate) -> Iterator[OrderEvent | OrderForgotten]:
        """Tell anew how the order is to all who heard of it what is no longer so. That is no news to rules."""
        if self.public is None:
            yield from (OrderForgotten(order_id=self.id, left=key) for key in asked.keys)
            return
        self.changed = True
        for key in asked.keys:
            if key != self.public.key:
                self.public = self._next_version(self.public)
                yield OrderLeft(order=self.public, left=key)
        yield self._tell(OrderChanged)

    def _present(self, expected_version: int | None) -> PublicOrder:
        if self.public is None:
            raise OrderUnknown
        if expected_version not in (None, self.public.version):
            raise VersionMismatch
        return self.public

    def _as_told(self, revision: Revision, link: Link, catalogue: Catalogue) -> PublicOrder:
        """Return the state that a revision means; an operator's assignment and the billing that came with it stay."""
        old = self.public
        kept = old and old.assigned_by == "operator"
        whose = (
            {"client_id": old.client_id, "assigned_by": "operator", "billing": old.billing}
            if old and kept
            else {**_by_link(link), "billing": revision.billing}
        )
        items = tuple(as_sold(item, old.items if old else (), catalogue) for item in revision.items)
        crowded = any(item.device and int(item.quantity) > MOST_DEVICES for item in items)
        return PublicOrder(
            id=self.id,
            channel_id=revision.channel_id,
            external_id=revision.external_id,
            number=revision.number,
            kind=revision.kind,
            identity=revision.identity,
            state=revision.state,
            total=revision.total,
            refunded=revision.refunded,
            placed_at=revision.placed_at or revision.revised_at,
            paid_at=revision.paid_at,
            revised_at=revision.revised_at,
            shipping=revision.shipping,
            items=items,
            warnings=(*revision.warnings, "too-many-devices") if crowded else revision.warnings,
            version=old.version if old else 1,
        ).model_copy(update=whose)

    def _become(self, new: PublicOrder) -> Iterator[OrderEvent]:
        """Take on a new state and tell what is new about it; each event carries the state under its own version."""
        old, self.changed = self.public, True
        self.public = new.model_copy(update={"version": old.version if old else 0})
        changed = _differences(old, new)
        if not changed:
            return
        moved = old is not None and old.key != new.key
        told: set[str] = set(changed) if old is None or moved else set()
        if old is None:
            yield self._tell(OrderPlaced)
        elif moved:
            farewell = self._next_version(old)
            yield OrderLeft(order=farewell, left=old.key, changed=changed)
            self.public = new.model_copy(update={"version": farewell.version})
            yield self._tell(OrderAssigned, changed)
        for event, names in self._named(old):
            told.update(names)
            yield self._tell(event, changed)
        rest = tuple(name for name in changed if name not in told)
        if rest:
            yield self._tell(OrderChanged, rest)

    def _named(self, old: PublicOrder | None) -> Iterator[tuple[type[OrderEvent], tuple[str, ...]]]:
        """Name the changes that have an event of their own."""
        new = self.public
        if new is None:
            return
        if new.paid and new.client_id and new.kind == "order" and not self.paid_announced:
            self.paid_announced = True
            yield OrderPaid, ("paid_at", "state")
        if new.refunded.amount > (old.refunded.amount if old else 0):
            yield OrderRefunded, ("refunded", "state")
        if new.state == "cancelled" and (old is None or old.state != "cancelled"):
            yield OrderCancelled, ("state",)

    def _tell(self, event: type[E], changed: tuple[str, ...] = ()) -> E:
        if self.public is None:
            raise OrderUnknown
        self.public = self._next_version(self.public)
        return event(order=self.public, changed=changed)

    @staticmethod
    def _next_version(public: PublicOrder) -> PublicOrder:
        return public.model_copy(update={"version": public.version + 1})


def _by_link(link: Link) -> dict[str, object]:
    return {"client_id": link.client_id, "assigned_by": "identity" if link.client_id else None}


def _differences(old: PublicOrder | None, new: PublicOrder) -> tuple[str, ...]:
    names = [name for name in PublicOrder.model_fields if name not in UNTOLD]
    return tuple(name for name in names if old is None or getattr(old, name) != getattr(new, name))
