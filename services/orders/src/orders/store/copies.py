"""Copies of what the clients service says: links of identities, and cards."""

from collections.abc import Sequence
from uuid import UUID

from chassis.database import Connection
from chassis.events.unit import Unit
from orders.domain.card import Card
from orders.domain.link import Link
from orders.domain.order import AssignClient
from orders.domain.revision import Revision
from schemas.clients import ClientEvent, ClientForgotten, IdentityForgotten, IdentityLinked
from schemas.event import Stamp
from schemas.values import Billing


class Links:
    """The link of a billing identity, locked before the orders of that identity."""

    def key(self, message: object) -> UUID | None:
        if isinstance(message, Revision | IdentityLinked):
            return message.identity.id
        return message.identity_id if isinstance(message, IdentityForgotten) else None

    async def load(self, unit: Unit, messages: Sequence[object]) -> dict[UUID, Link]:
        keys = sorted({key for message in messages if (key := self.key(message))})
        await unit.connection.execute(
            "insert into identity_links (id) select id from unnest($1::uuid[]) id order by id on conflict do nothing",
            keys,
        )
        rows = await unit.connection.fetch(
            "select id, client_id, incarnation, version from identity_links where id = any($1::uuid[])"
            " order by id for update",
            keys,
        )
        return {key: Link(key, client_id, Stamp(*stamp)) for key, client_id, *stamp in map(tuple, rows)}

    async def save(self, unit: Unit, states: Sequence[Link]) -> None:
        changed = [link for link in states if link.changed]
        if changed:
            await unit.connection.execute(
                "update identity_links l set client_id = n.client_id, incarnation = n.incarnation, version = n.version"
                " from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[])"
                " n(id, client_id, incarnation, version) where l.id = n.id",
                [link.id for link in changed],
                [link.client_id for link in changed],
                [link.stamp.incarnation for link in changed],
                [link.stamp.version for link in changed],
            )


class Cards:
    """The card of a client; to link an order to it, it is only read."""

    def key(self, message: object) -> UUID | None:
        if isinstance(message, ClientEvent):
            return message.client.id
        return message.client_id if isinstance(message, AssignClient | ClientForgotten) else None

    async def load(self, unit: Unit, messages: Sequence[object]) -> dict[UUID, Card]:
        keys = sorted({key for message in messages if (key := self.key(message))})
        heard = sorted({key for m in messages if not isinstance(m, AssignClient) and (key := self.key(m))})
        if heard:
            await unit.connection.execute(
                "insert into cards (id) select id from unnest($1::uuid[]) id order by id on conflict do nothing", heard
            )
        found = await _cards(unit.connection, keys)
        return {key: found.get(key) or Card(key) for key in keys}

    async def save(self, unit: Unit, states: Sequence[Card]) -> None:
        changed = [card for card in states if card.changed]
        if changed:
            await unit.connection.execute(
                "update cards c set billing = n.billing, incarnation = n.incarnation, version = n.version"
                " from unnest($1::uuid[], $2::jsonb[], $3::bigint[], $4::bigint[])"
                " n(id, billing, incarnation, version) where c.id = n.id",
                [card.id for card in changed],
                [card.billing and card.billing.model_dump_json() for card in changed],
                [card.stamp.incarnation for card in changed],
                [card.stamp.version for card in changed],
            )


async def _cards(connection: Connection, keys: Sequence[UUID]) -> dict[UUID, Card]:
    rows = await connection.fetch(
        "select id, billing, incarnation, version from cards where id = any($1::uuid[]) order by id for update", keys
    )
    return {
        key: Card(key, billing and Billing.model_validate_json(billing), Stamp(*stamp))
        for key, billing, *stamp in map(tuple, rows)
    }


links = Links()
cards = Cards()
