"""Keys that are no longer good: every service keeps the revocations that the clients service publishes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.events.unit import Unit
from schemas.clients import KeyRevoked
from schemas.event import Event


@dataclass(slots=True)
class KeyState:
    """What is known of one key; its row exists only once it is revoked."""

    id: UUID
    revoked_at: datetime | None = None


class RevokedKeys:
    """States of keys by their id."""

    def key(self, message: KeyRevoked) -> UUID:
        """Return the id of the key."""
        return message.key_id

    async def load(self, unit: Unit, messages: Sequence[KeyRevoked]) -> Mapping[UUID, KeyState]:  # noqa: ARG002
        """Return blank states: a revocation is the same whatever was known before."""
        return {message.key_id: KeyState(message.key_id) for message in messages}

    async def save(self, unit: Unit, states: Sequence[KeyState]) -> None:
        """Keep revocations."""
        await unit.connection.execute(
            "insert into chassis.revoked_keys select * from unnest($1::uuid[], $2::timestamptz[])"
            " on conflict do nothing",
            [state.id for state in states],
            [state.revoked_at for state in states],
        )


def forget_key(key: KeyState, revoked: KeyRevoked) -> Iterable[Event]:
    """A revoked key opens no door any more."""
    key.revoked_at = revoked.revoked_at
    return ()


revoked_keys = RevokedKeys()
