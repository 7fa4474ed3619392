"""Access keys: what was signed here, and what was revoked. Keys live by the database clock, which tests do not move."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from chassis.database import Connection

ADD = """
    insert into keys (id, name, role, expires_at, created_by)
    values ($1, $2, $3, $4, $5)
    returning created_at
"""
LIST = """
    select k.id, k.name, k.role, k.expires_at, k.created_by, k.created_at, r.revoked_at
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
    """A key to keep, for whom, and who made it."""

    id: UUID
    name: str
    role: str
    expires_at: datetime | None
    created_by: str


class StoredKey(NamedTuple):
    """A key without its text, which is shown once and never stored."""

    id: UUID
    name: str
    role: str
    expires_at: datetime | None
    created_by: str
    created_at: datetime
    revoked_at: datetime | None = None


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
