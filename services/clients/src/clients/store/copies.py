"""Copies of orders in the database, one per client and order."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from chassis.events.unit import Unit
from clients.domain.copies import OrderCopy
from schemas.event import Stamp
from schemas.orders import OrderEvent, OrderForgotten

Key = tuple[UUID, UUID]
Message = OrderEvent | OrderForgotten

LOAD = """
    select c.client_id, c.order_id, c.incarnation, c.version, c.present, c.kind, c.paid, c.revenue, c.currency,
        c.placed_at
    from order_copies c
    join unnest($1::uuid[], $2::uuid[]) w(client_id, order_id) using (client_id, order_id)
    order by client_id, order_id
    for update of c
"""
WRITE = """
    insert into order_copies as c (
        client_id, order_id, incarnation, version, present, kind, paid, revenue, currency, placed_at
    )
    select *
    from unnest(
        $1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::boolean[], $6::text[], $7::boolean[], $8::numeric[],
        $9::text[], $10::timestamptz[]
    )
    on conflict (client_id, order_id) do update set
        incarnation = excluded.incarnation, version = excluded.version, present = excluded.present,
        kind = excluded.kind, paid = excluded.paid, revenue = excluded.revenue, currency = excluded.currency,
        placed_at = excluded.placed_at
    where (c.incarnation, c.version) < (excluded.incarnation, excluded.version)
"""


class Copies:
    """States: a client's copy of an order. The write is guarded by version too, so no row stands before its order."""

    def key(self, message: Message) -> Key | None:
        """Return client and order; nothing in the lane of an identity, where orders are nobody's."""
        return (message.client_id, message.subject_id) if message.client_id else None

    async def load(self, unit: Unit, messages: Sequence[Message]) -> Mapping[Key, OrderCopy]:
        wanted = sorted({key for message in messages if (key := self.key(message))})
        clients, orders = [key[0] for key in wanted], [key[1] for key in wanted]
        rows = await unit.connection.fetch(LOAD, clients, orders)
        found = {(row[0], row[1]): OrderCopy(row[0], row[1], Stamp(row[2], row[3]), *row[4:]) for row in rows}
        return {key: found.get(key) or OrderCopy(*key) for key in wanted}

    async def save(self, unit: Unit, states: Sequence[OrderCopy]) -> None:
        rows = [_row(copy) for copy in sorted(states, key=_order) if copy.changed]
        if rows:
            await unit.connection.execute(WRITE, *(list(column) for column in zip(*rows, strict=True)))


def _order(copy: OrderCopy) -> Key:
    return copy.client_id, copy.order_id


def _row(copy: OrderCopy) -> tuple[object, ...]:
    return (
        copy.client_id, copy.order_id, *copy.stamp, copy.present, copy.kind, copy.paid, copy.revenue, copy.currency,
        copy.placed_at,
    )  # fmt: skip
