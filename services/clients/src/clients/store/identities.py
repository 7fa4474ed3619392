"""Identities as people ask for them."""

from typing import NamedTuple
from uuid import UUID

from chassis.database import Connection

GET = "select id, kind, value, client_id, version, unlinked_by_hand from identities where id = $1"
LIST = """
    select id, kind, value, client_id, version, unlinked_by_hand
    from identities
    where ($1::uuid is null or client_id = $1)
      and ($2::text is null or value = $2)
      and id > $3
    order by id
    limit $4
"""
COUNT = (
    "select count(*) from identities where ($1::uuid is null or client_id = $1) and ($2::text is null or value = $2)"
)


class StoredIdentity(NamedTuple):
    """An identity and whose it is."""

    id: UUID
    kind: str
    value: str
    client_id: UUID | None
    version: int
    unlinked_by_hand: bool


async def find_identity(connection: Connection, identity_id: UUID) -> StoredIdentity | None:
    """Return an identity."""
    row = await connection.fetchrow(GET, identity_id)
    return StoredIdentity(*row) if row else None


async def list_identities(
    connection: Connection, client_id: UUID | None, value: str | None, after: UUID, limit: int
) -> list[StoredIdentity]:
    """Return identities of a client, or of a value, by id."""
    return [StoredIdentity(*row) for row in await connection.fetch(LIST, client_id, value, after, limit)]


async def count_identities(connection: Connection, client_id: UUID | None, value: str | None) -> int:
    """Return exactly how many identities match."""
    return int(await connection.fetchval(COUNT, client_id, value))
