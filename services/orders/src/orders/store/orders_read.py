"""Orders as the API shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from chassis.database import Connection
from orders.store.orders import public_of
from schemas.orders import Order as PublicOrder


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which orders a list shows."""

    client_id: UUID | None = None
    channel_id: UUID | None = None
    external_id: str | None = None
    state: str | None = None
    warned: bool | None = None

    @property
    def arguments(self) -> Sequence[object]:
        """The values for SQL, in their order there."""
        return self.client_id, self.channel_id, self.external_id, self.state, self.warned


async def find_order(connection: Connection, order_id: UUID) -> PublicOrder | None:
    """Return an order if there is one of the id."""
    row = await connection.fetchrow("select * from orders where id = $1", order_id)
    return public_of(row) if row else None


async def list_orders(
    connection: Connection, wanted: Wanted, limit: int, after: tuple[datetime, UUID] | None
) -> list[PublicOrder]:
    """Return a page of orders, newest first, and one more than asked for if there is."""
    rows = await connection.fetch(
        "select * from orders where ($1::uuid is null or client_id = $1) and ($2::uuid is null or channel_id = $2)"
        " and ($3::text is null or external_id = $3) and ($4::text is null or state = $4)"
        " and ($5::boolean is null or (cardinality(warnings) > 0) = $5)"
        " and ($6::timestamptz is null or (placed_at, id) < ($6, $7::uuid))"
        " order by placed_at desc, id desc limit $8",
        *wanted.arguments,
        *(after or (None, None)),
        limit + 1,
    )
    return [public_of(row) for row in rows]


async def list_told(connection: Connection, channel_id: UUID, limit: int, after: str) -> list[asyncpg.Record]:
    """Return how a channel's orders were told last, in the order of its own numbers."""
    rows: list[asyncpg.Record] = await connection.fetch(
        "select external_id, revised_at, state, currency from orders where channel_id = $1 and external_id > $2"
        " order by external_id limit $3",
        channel_id,
        after,
        limit,
    )
    return rows


async def count_orders(connection: Connection, wanted: Wanted) -> int:
    """Return how many orders there are."""
    count: int = await connection.fetchval(
        "select count(*) from orders where ($1::uuid is null or client_id = $1)"
        " and ($2::uuid is null or channel_id = $2) and ($3::text is null or external_id = $3)"
        " and ($4::text is null or state = $4)"
        " and ($5::boolean is null or (cardinality(warnings) > 0) = $5)",
        *wanted.arguments,
    )
    return count
