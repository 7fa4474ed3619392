"""To which client the orders of a billing identity belong, as the clients service says."""

from dataclasses import dataclass
from uuid import UUID

from schemas.clients import IdentityLinked


@dataclass(slots=True)
class Link:
    """The copy of one identity's link; without a client it was taken off, or never put on."""

    id: UUID
    client_id: UUID | None = None
    version: int = 0
    changed: bool = False

    def follow(self, linked: IdentityLinked) -> bool:
        """Take over what was said unless something newer is known; tell whether it was taken."""
        if linked.version <= self.version:
            return False
        self.client_id, self.version, self.changed = linked.client_id, linked.version, True
        return True
