"""Access keys: what was signed here, and what was revoked. Keys live by the database clock, which tests do not move."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from chassis.database import Connection
from chassis.effects import Restate
from chassis.events.unit import Unit

ADD = """
    insert into keys (id, name, role, expires_at, created_by, signed_by)
    values ($1, $2, $3, $4, $5, $6)
    returning created_at
"""
LIST = """
    select k.id, k.name, k.role, k.expires_at, k.created_by, k.signed_by, k.created_at, r.revoked_at
    from keys k
    left join chassis.revoked_keys r using (id)
    where (k.created_at, k.id) > ($1, $2)
    order by k.created_at, k.id
    limit $3
"""
COUNT = "select count(*) from keys"
REVOKE = (
    "insert into chassis.revoked_keys (id, revoked_at) values ($1, now()) on conflict do nothing returning revoked_at"
)
REVOKED_AT = "select revoked_at from chassis.revoked_keys where id = $1"
HAS_PASSED = "select $1::timestamptz <= now()"


class NewKey(NamedTuple):
    """A key to keep, for whom, who made it, and the id of what signed it: an older release did not write that."""

    id: UUID
    name: str
    role: str
    expires_at: datetime | None
    created_by: str
    signed_by: str | None


class StoredKey(NamedTuple):
    """A key without its text, which is shown once and never stored."""

    id: UUID
    name: str
    role: str
    expires_at: datetime | None
    created_by: str
    signed_by: str | None
    created_at: datetime
    revoked_at: datetime | None = None


@dataclass(slots=True)
class Revocation:
    """A key that others know to be revoked, and since when it is here: from ``now`` on, if the revocation was lost."""

    key_id: UUID
    now: datetime
    revoked_at: datetime | None = None

    def again(self) -> datetime:
        """Be revoked, and return since when."""
        self.revoked_at = self.revoked_at or self.now
        return self.revoked_at


class Revocations:
    """States: keys that others ask about; they are asked about only because they were revoked."""

    def key(self, message: Restate) -> UUID:
        """Return the id of the key."""
        return message.subject

    async def load(self, unit: Unit, messages: Sequence[Restate]) -> Mapping[UUID, Revocation]:
        asked = [message.subject for message in messages]
        rows = await unit.connection.fetch(
            "select id, revoked_at from chassis.revoked_keys where id = any($1::uuid[])", asked
        )
        known = {row["id"]: row["revoked_at"] for row in rows}
        now = await unit.now()
        return {key: Revocation(key, now, known.get(key)) for key in asked}

    async def save(self, unit: Unit, states: Sequence[Revocation]) -> None:
        await unit.connection.execute(
            "insert into chassis.revoked_keys select * from unnest($1::uuid[], $2::timestamptz[])"
            " on conflict do nothing",
            [state.key_id for state in states],
            [state.revoked_at for state in states],
        )


async def has_passed(connection: Connection, moment: datetime) -> bool:
    """Tell whether a moment is over."""
    return bool(await connection.fetchval(HAS_PASSED, moment))


async def add_key(connection: Connection, key: NewKey) -> StoredKey:
    """Keep what a key is, not the key."""
    return StoredKey(*key, await connection.fetchval(ADD, *key))


async def list_keys(connection: Connection, after: tuple[datetime, UUID], limit: int) -> list[StoredKey]:
    """Return keys, the oldest first."""
    return [StoredKey(*row) for row in await connection.fetch(LIST, *after, limit)]


async def count_keys(connection: Connection) -> int:
    """Return how many keys were made here."""
    return int(await connection.fetchval(COUNT))


async def revoke(connection: Connection, key_id: UUID) -> tuple[datetime, bool]:
    """Revoke a key in this database; return since when, and whether that is new."""
    new = await connection.fetchval(REVOKE, key_id)
    return (new, True) if new else (await connection.fetchval(REVOKED_AT, key_id), False)
