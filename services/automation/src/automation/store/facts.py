"""Facts of clients: one row each, and a row for every order ever heard in the client's lane."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

import asyncpg
import orjson

from automation.domain.facts import Card, ClientFacts, Facts, OrderCopy
from automation.domain.trigger import client_of
from chassis.events.unit import Unit
from schemas.clients import ClientForgotten
from schemas.event import Event, Stamp
from schemas.orders import OrderEvent, OrderForgotten

FACTS = "client_id, card_incarnation, card_version, name, status, starred, orders, paid_orders, revenue, last_order_at"


class Clients:
    """Facts by client id, with the copies of the orders that the batch is about."""

    def key(self, message: Event) -> UUID | None:
        return client_of(message)

    async def load(self, unit: Unit, messages: Sequence[Event]) -> Mapping[UUID, ClientFacts]:
        """Lock the facts; what is forgotten makes none, its key may be that of an identity."""
        wanted = sorted({client for message in messages if (client := client_of(message))})
        told = [message for message in messages if not isinstance(message, OrderForgotten | ClientForgotten)]
        await unit.connection.execute(
            "insert into client_facts (client_id) select unnest($1::uuid[]) on conflict do nothing",
            sorted({client for message in told if (client := client_of(message))}),
        )
        rows = await unit.connection.fetch(
            f"select {FACTS} from client_facts where client_id = any($1::uuid[]) order by client_id for update",  # noqa: S608 - a constant
            wanted,
        )
        found = {client: ClientFacts(client) for client in wanted} | {row["client_id"]: _client(row) for row in rows}
        pairs = {
            (client, message.subject_id)
            for message in messages
            if isinstance(message, OrderEvent | OrderForgotten) and (client := client_of(message))
        }
        if pairs:
            await self._load_copies(unit, found, sorted(pairs))
        return found

    async def _load_copies(
        self, unit: Unit, found: Mapping[UUID, ClientFacts], pairs: Sequence[tuple[UUID, UUID]]
    ) -> None:
        clients, orders = [client for client, _ in pairs], [order for _, order in pairs]
        copies = await unit.connection.fetch(
            "select c.* from order_copies c join unnest($1::uuid[], $2::uuid[]) k(client_id, order_id)"
            " using (client_id, order_id)",
            clients,
            orders,
        )
        for row in copies:
            found[row["client_id"]].copies[row["order_id"]] = OrderCopy(**{
                name: row[name] for name in OrderCopy.__slots__
            })  # fmt: skip
        latest = await unit.connection.fetch(
            "select k.client_id, last.placed_at from (select client_id, array_agg(order_id) as mine"
            " from unnest($1::uuid[], $2::uuid[]) p(client_id, order_id) group by client_id) k, lateral"
            " (select c.placed_at from order_copies c where c.client_id = k.client_id and c.present"
            " and c.kind = 'order' and c.order_id <> all(k.mine) order by c.placed_at desc limit 1) last",
            clients,
            orders,
        )
        for row in latest:
            found[row["client_id"]].last_of_others = row["placed_at"]

    async def save(self, unit: Unit, states: Sequence[ClientFacts]) -> None:
        changed = sorted((s for s in states if s.touched or s.card_changed), key=lambda state: state.client_id)
        if changed:
            await unit.connection.execute(
                "update client_facts f set card_incarnation = n.card_incarnation, card_version = n.card_version,"
                " name = n.name, status = n.status, starred = n.starred, orders = n.orders,"
                " paid_orders = n.paid_orders, revenue = n.revenue, last_order_at = n.last_order_at"
                " from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::boolean[],"
                " $7::bigint[], $8::bigint[], $9::jsonb[], $10::timestamptz[]) n(client_id, card_incarnation,"
                " card_version, name, status, starred, orders, paid_orders, revenue, last_order_at)"
                " where f.client_id = n.client_id",
                *zip(*(_row(state) for state in changed), strict=True),
            )
        copies = [
            (state.client_id, *(getattr(copy, name) for name in OrderCopy.__slots__))
            for state in changed
            for copy in (state.copies[order] for order in sorted(state.touched))
        ]
        if copies:
            await unit.connection.execute(
                "insert into order_copies"
                " (client_id, order_id, version, present, kind, paid, revenue, currency, placed_at, incarnation)"
                " select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::boolean[], $5::text[], $6::boolean[],"
                " $7::numeric[], $8::text[], $9::timestamptz[], $10::bigint[])"
                " on conflict (client_id, order_id) do update set version = excluded.version,"
                " present = excluded.present, kind = excluded.kind, paid = excluded.paid, revenue = excluded.revenue,"
                " currency = excluded.currency, placed_at = excluded.placed_at, incarnation = excluded.incarnation",
                *zip(*copies, strict=True),
            )


async def find_facts(unit: Unit, client_id: UUID) -> ClientFacts | None:
    """Return what is known of a client, without locking; None if nothing."""
    row = await unit.connection.fetchrow(
        f"select {FACTS} from client_facts where client_id = $1",  # noqa: S608 - a constant
        client_id,
    )
    return _client(row) if row else None


def _client(row: asyncpg.Record) -> ClientFacts:
    revenue = {currency: Decimal(amount) for currency, amount in orjson.loads(row["revenue"]).items()}
    return ClientFacts(
        row["client_id"],
        Stamp(row["card_incarnation"], row["card_version"]),
        Card(row["name"], row["status"], row["starred"]),
        Facts(row["orders"], row["paid_orders"], revenue, row["last_order_at"]),
    )


def _row(state: ClientFacts) -> tuple[object, ...]:
    card, facts = state.card, state.facts
    revenue = {currency: f"{facts.revenue[currency].normalize():f}" for currency in sorted(facts.revenue)}
    return (
        state.client_id, *state.card_stamp, card.name, card.status, card.starred, facts.orders, facts.paid_orders,
        orjson.dumps(revenue).decode(), facts.last_order_at,
    )  # fmt: skip
