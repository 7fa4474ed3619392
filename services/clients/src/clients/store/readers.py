"""Clients as people ask for them: one, or pages of those that match, with what their orders add up to."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from chassis.database import Connection
from clients.store.rows import SELECT, client_of
from schemas.clients import Client

GET = f"""
    {SELECT}
    where id = $1
"""
LIST = f"""
    {SELECT}
    where ($1::uuid[] is null or id = any($1))
      and ($2::text is null or status = $2)
      and ($3::boolean is null or starred = $3)
      and number > $4
    order by number
    limit $5
"""
COUNT = """
    select count(*)
    from clients
    where ($1::uuid[] is null or id = any($1))
      and ($2::text is null or status = $2)
      and ($3::boolean is null or starred = $3)
"""
SEARCH = f"""
    {SELECT}
    where (search like $1 or search like $2)
      and ($3::uuid[] is null or id = any($3))
      and ($4::text is null or status = $4)
      and ($5::boolean is null or starred = $5)
      and number > $6
    order by number
    limit $7
"""
COUNT_SEARCH = """
    select count(*)
    from clients
    where (search like $1 or search like $2)
      and ($3::uuid[] is null or id = any($3))
      and ($4::text is null or status = $4)
      and ($5::boolean is null or starred = $5)
"""
OF_ICO = """
    select id from clients where ico = $1
    union
    select client_id from identities where kind = 'ico' and value = $1 and client_id is not null
"""
PATTERNS = r"select '%' || regexp_replace(plain(q), '([%_\\])', '\\\1', 'g') || '%' from unnest($1::text[]) q"
TOTALS = """
    select client_id, currency, sum(revenue) as revenue, count(*) filter (where kind = 'order') as orders,
        count(*) filter (where kind = 'order' and paid) as paid_orders,
        max(placed_at) filter (where kind = 'order') as last_order_at
    from order_copies
    where client_id = any($1::uuid[]) and present
    group by client_id, currency
    order by client_id, currency
"""


class Wanted(NamedTuple):
    """Which clients are asked for; what is ``None`` does not matter."""

    query: str | None = None
    ico: str | None = None
    status: str | None = None
    starred: bool | None = None


class Total(NamedTuple):
    """What a client's orders in one currency add up to."""

    client_id: UUID
    currency: str
    revenue: Decimal
    orders: int
    paid_orders: int
    last_order_at: datetime | None


async def find_client(connection: Connection, client_id: UUID) -> Client | None:
    """Return a client."""
    row = await connection.fetchrow(GET, client_id)
    return client_of(row) if row else None


async def list_clients(connection: Connection, wanted: Wanted, after: int, limit: int) -> list[Client]:
    """Return clients by number, after one."""
    patterns = await _patterns(connection, wanted.query)
    rest = (await _of_ico(connection, wanted.ico), wanted.status, wanted.starred, after, limit)
    rows = await connection.fetch(SEARCH if patterns else LIST, *patterns, *rest)
    return [client_of(row) for row in rows]


async def count_clients(connection: Connection, wanted: Wanted) -> int:
    """Return exactly how many clients match."""
    patterns = await _patterns(connection, wanted.query)
    rest = (await _of_ico(connection, wanted.ico), wanted.status, wanted.starred)
    return int(await connection.fetchval(COUNT_SEARCH if patterns else COUNT, *patterns, *rest))


async def totals(connection: Connection, clients: Sequence[UUID]) -> list[Total]:
    """Return the totals of clients, one per currency."""
    return [Total(*row) for row in await connection.fetch(TOTALS, clients)]


async def _patterns(connection: Connection, query: str | None) -> list[str]:
    """Return the patterns for a text as typed, and as a number typed with spaces; none for no text."""
    typed = (query or "").strip()
    if not typed:
        return []
    number = "".join(typed.split()) if any(sign.isdigit() for sign in typed) else typed
    return [row[0] for row in await connection.fetch(PATTERNS, [typed, number])]


async def _of_ico(connection: Connection, ico: str | None) -> list[UUID] | None:
    """Return whom an IČO means, by the card or by a link; ``None`` if it does not matter."""
    return None if ico is None else [row[0] for row in await connection.fetch(OF_ICO, ico)]
