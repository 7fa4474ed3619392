"""To which client the orders of a billing identity belong, as the clients service says."""

from dataclasses import dataclass
from uuid import UUID

from schemas.clients import IdentityForgotten, IdentityLinked
from schemas.event import NEVER, Stamp


@dataclass(slots=True)
class Link:
    """The copy of one identity's link; without a client it was taken off, or never put on."""

    id: UUID
    client_id: UUID | None = None
    stamp: Stamp = NEVER
    changed: bool = False

    def follow(self, said: IdentityLinked | IdentityForgotten) -> bool:
        """Take over what was said unless something newer is known; tell whether it was taken."""
        if said.stamp <= self.stamp:
            return False
        self.client_id = said.client_id if isinstance(said, IdentityLinked) else None
        self.stamp, self.changed = said.stamp, True
        return True
