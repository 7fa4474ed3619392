"""Orders as states: one by its id, or all of a billing identity; saved as whole rows, new ones and changed ones."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from chassis.effects import Restate
from chassis.events.unit import Unit
from orders.domain.order import AssignClient, Order, UnassignClient
from orders.domain.revision import Removal, Revision
from orders.domain.telling import Sighting, Telling
from schemas.clients import IdentityForgotten, IdentityLinked
from schemas.orders import Order as PublicOrder


@dataclass(slots=True)
class Portfolio:
    """The orders of one billing identity that no operator has assigned."""

    identity_id: UUID
    orders: list[Order] = field(default_factory=list)


class Orders:
    """One order by its id; the id is locked before the row, so that an order that is not there yet has one creator."""

    def key(self, message: object) -> UUID | None:
        if isinstance(message, Revision | Removal | AssignClient | UnassignClient):
            return message.order_id
        return message.subject if isinstance(message, Restate) else None

    async def load(self, unit: Unit, messages: Sequence[object]) -> dict[UUID, Order]:
        keys = sorted({key for message in messages if (key := self.key(message))})
        await unit.connection.execute(
            "select pg_advisory_xact_lock(place) from (select distinct hashtextextended(id::text, 0) as place"
            " from unnest($1::uuid[]) id order by place) places",
            sorted({message.order_id for message in messages if isinstance(message, Revision | Removal)}),
        )
        rows = await unit.connection.fetch(
            "select * from orders where id = any($1::uuid[]) order by id for update", keys
        )
        found = {key: Order(key) for key in keys} | {row["id"]: _state(row) for row in rows}
        for order_id, name, at, gone in await unit.connection.fetch(
            "select order_id, name, at, gone from sightings where order_id = any($1::uuid[])", keys
        ):
            found[order_id].telling.sightings[name] = Sighting(at, gone)
        return found

    async def save(self, unit: Unit, states: Sequence[Order]) -> None:
        await _save(unit, states)


class Portfolios:
    """All orders of an identity that follow its link; the link itself is locked before them."""

    def key(self, message: object) -> UUID | None:
        if isinstance(message, IdentityForgotten):
            return message.identity_id
        return message.identity.id if isinstance(message, IdentityLinked) else None

    async def load(self, unit: Unit, messages: Sequence[object]) -> dict[UUID, Portfolio]:
        found = {key: Portfolio(key) for message in messages if (key := self.key(message))}
        rows = await unit.connection.fetch(
            "select * from orders where identity_id = any($1::uuid[]) and assigned_by is distinct from 'operator'"
            " order by id for update",
            sorted(found),
        )
        for row in rows:
            found[row["identity_id"]].orders.append(_state(row))
        return found

    async def save(self, unit: Unit, states: Sequence[Portfolio]) -> None:
        await _save(unit, [order for portfolio in states for order in portfolio.orders])


def public_of(row: asyncpg.Record) -> PublicOrder:
    """Return the public state of a stored order."""
    money = {name: {"amount": row[name], "currency": row["currency"]} for name in ("total", "refunded")}
    documents = {name: orjson.loads(row[name]) for name in ("billing", "shipping", "items") if row[name] is not None}
    identity = {"kind": row["identity_kind"], "value": row["identity_value"]}
    return PublicOrder.model_validate({**row, **money, **documents, "identity": identity})


def _state(row: asyncpg.Record) -> Order:
    return Order(
        id=row["id"],
        public=public_of(row),
        telling=Telling(
            revised_at=row["revised_at"],
            made_at=row["made_at"],
            arrival=row["arrival"],
            hashes=tuple(row["hashes"]),
            state=row["told_state"],
            first_placed_at=row["first_placed_at"],
            first_paid_at=row["first_paid_at"],
            placed_open=row["placed_open"],
            paid_open=row["paid_open"],
        ),
        paid_announced=row["paid_announced"],
        stored=True,
    )


def _row(order: Order, public: PublicOrder) -> dict[str, Any]:
    row: dict[str, Any] = public.model_dump(mode="json", exclude={"identity", "total", "refunded"})
    telling = order.telling
    return row | {
        "identity_id": public.identity.id,
        "identity_kind": public.identity.kind,
        "identity_value": public.identity.value,
        "total": str(public.total.amount),
        "refunded": str(public.refunded.amount),
        "currency": public.total.currency,
        "made_at": telling.made_at,
        "arrival": telling.arrival,
        "hashes": telling.hashes,
        "told_state": telling.state,
        "first_placed_at": telling.first_placed_at,
        "first_paid_at": telling.first_paid_at,
        "placed_open": telling.placed_open,
        "paid_open": telling.paid_open,
        "paid_announced": order.paid_announced,
    }


async def _save(unit: Unit, states: Sequence[Order]) -> None:
    await _save_sightings(unit, [order for order in states if order.changed and order.telling.sightings])
    changed = [(order, _row(order, order.public)) for order in states if order.changed and order.public]
    new = [row for order, row in changed if not order.stored]
    known = [row for order, row in changed if order.stored]
    if new:
        await unit.connection.execute(
            "insert into orders select * from jsonb_populate_recordset(null::orders, $1::jsonb)",
            orjson.dumps(new).decode(),
        )
    if known:
        await unit.connection.execute(
            "update orders o set (number, kind, client_id, assigned_by, identity_id, identity_kind, identity_value,"
            " state, total, refunded, currency, placed_at, paid_at, revised_at, billing, shipping, items, warnings,"
            " version, made_at, arrival, hashes, paid_announced, told_state, first_placed_at, first_paid_at,"
            " placed_open, paid_open) = (n.number, n.kind, n.client_id, n.assigned_by, n.identity_id,"
            " n.identity_kind, n.identity_value, n.state, n.total, n.refunded, n.currency, n.placed_at, n.paid_at,"
            " n.revised_at, n.billing, n.shipping, n.items, n.warnings, n.version, n.made_at, n.arrival, n.hashes,"
            " n.paid_announced, n.told_state, n.first_placed_at, n.first_paid_at, n.placed_open, n.paid_open)"
            " from jsonb_populate_recordset(null::orders, $1::jsonb) n where o.id = n.id",
            orjson.dumps(known).decode(),
        )


async def _save_sightings(unit: Unit, states: Sequence[Order]) -> None:
    rows = [(order.id, name, *sighting) for order in states for name, sighting in order.telling.sightings.items()]
    if rows:
        order_ids, names, moments, gone = zip(*rows, strict=True)
        await unit.connection.execute(
            "insert into sightings (order_id, name, at, gone)"
            " select * from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::boolean[])"
            " on conflict (order_id, name) do update set at = excluded.at where sightings.at > excluded.at",
            order_ids,
            names,
            moments,
            gone,
        )


orders = Orders()
portfolios = Portfolios()
