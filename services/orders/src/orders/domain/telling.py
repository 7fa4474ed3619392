"""What a channel has told of an order: the same in the end, in whatever order it was heard."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from orders.domain.revision import Removal, Revision
from schemas.orders import Order as PublicOrder
from schemas.orders import OrderState

MONEY_CAME = frozenset({"paid", "refunded"})


class Sighting(NamedTuple):
    """When a channel first said that an order is gone, or back."""

    at: datetime
    gone: bool


@dataclass(slots=True)
class Telling:
    """What is known of the revision that counts, of the dates that all of them named, and whether the order is gone.

    ``hashes`` are the bodies known of the moment ``revised_at``, ``arrival`` the place of the one that counts. A date
    is open if that one leaves it out: then the earliest that any has named or meant stands. ``sightings`` are known by
    their deliveries, so that one delivered again says nothing.
    """

    revised_at: datetime | None = None
    made_at: datetime | None = None
    arrival: int = 0
    hashes: tuple[str, ...] = ()
    state: OrderState = "open"
    first_placed_at: datetime | None = None
    first_paid_at: datetime | None = None
    placed_open: bool = False
    paid_open: bool = False
    sightings: dict[str, Sighting] = field(default_factory=dict)

    def hear(self, revision: Revision) -> bool:
        """Take in a revision; tell whether it counts: the latest moment does, within one the body that arrived last."""
        self._hear_dates(revision)
        if revision.restored_at:
            self._see(f"back {revision.body_hash}", Sighting(revision.restored_at, gone=False))
        if not self._counts(revision):
            return False
        self.revised_at, self.made_at = revision.revised_at, revision.made_at
        self.arrival, self.state = revision.arrival, revision.state
        self.placed_open = revision.placed_at is None
        self.paid_open = revision.paid_at is None and revision.state in MONEY_CAME
        return True

    def hear_removal(self, removal: Removal) -> None:
        """Take in that the channel has deleted the order."""
        self._see(f"gone {removal.delivery}", Sighting(removal.removed_at, gone=True))

    @property
    def gone(self) -> bool:
        """The channel deleted the order, and has neither restored nor revised it since."""
        gone = [sighting.at for sighting in self.sightings.values() if sighting.gone]
        back = [sighting.at for sighting in self.sightings.values() if not sighting.gone]
        back += [self.made_at] if self.made_at else []
        return bool(gone) and all(at <= max(gone) for at in back)

    def shown(self, public: PublicOrder) -> PublicOrder:
        """Return an order as all that was told adds up: what is gone is cancelled, open dates are the first ones."""
        placed_at = self.first_placed_at if self.placed_open else None
        return public.model_copy(
            update={
                "state": "cancelled" if self.gone else self.state,
                "placed_at": placed_at or public.placed_at,
                "paid_at": self.first_paid_at if self.paid_open else public.paid_at,
            }
        )

    def _counts(self, revision: Revision) -> bool:
        if self.revised_at and revision.revised_at < self.revised_at:
            return False
        if revision.revised_at != self.revised_at:
            self.hashes = (revision.body_hash,)
            return True
        if revision.body_hash in self.hashes:
            return False
        self.hashes = (*self.hashes, revision.body_hash)
        return revision.arrival >= self.arrival

    def _hear_dates(self, revision: Revision) -> None:
        placed_at = revision.placed_at or revision.revised_at
        paid_at = revision.paid_at or (revision.revised_at if revision.state == "paid" else None)
        self.first_placed_at = min(self.first_placed_at or placed_at, placed_at)
        if paid_at:
            self.first_paid_at = min(self.first_paid_at or paid_at, paid_at)

    def _see(self, name: str, sighting: Sighting) -> None:
        self.sightings = {**self.sightings, name: min(self.sightings.get(name, sighting), sighting)}
