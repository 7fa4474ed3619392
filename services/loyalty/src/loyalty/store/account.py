"""Accounts with their copies of orders and their ledger. The row of an account is the lock of all that is its own."""

from collections.abc import Collection, Mapping, Sequence
from typing import cast
from uuid import UUID

import asyncpg

from chassis.effects import Turn
from chassis.events.lanes import lane_of
from chassis.events.unit import Unit
from loyalty.domain import Account, OrderCopy, Programmes
from loyalty.store.programme import read_programmes, share_programmes
from schemas.automation import PointsAwardRequested
from schemas.orders import OrderEvent, OrderForgotten

Message = OrderEvent | OrderForgotten | PointsAwardRequested | Turn
ENTRY_COLUMNS = (
    "id", "client_id", "order_id", "kind", "points", "balance", "at", "programme_version", "cause", "cause_place",
)  # fmt: skip


class Accounts:
    """The accounts of a batch, each with its copies of the orders in the batch."""

    def key(self, message: Message) -> UUID | None:
        """Return the client whose account a message concerns; None in the lane of an identity, which has no account."""
        return message.key if isinstance(message, Turn) else message.client_id

    async def load(self, unit: Unit, messages: Sequence[Message]) -> Mapping[UUID, Account]:
        """Lock the accounts, then read what hangs on them; the programme last, so that a regrading misses nobody.

        An order that is no more makes no account: its key may be that of an identity.
        """
        clients = sorted({key for message in messages if (key := self.key(message))})
        new = sorted({key for m in messages if not isinstance(m, OrderForgotten) and (key := self.key(m))})
        await unit.connection.execute(
            "insert into accounts (client_id, lane) select * from unnest($1::uuid[], $2::smallint[])"
            " on conflict do nothing",
            new,
            [lane_of(client) for client in new],
        )
        rows = await unit.connection.fetch(
            "select client_id, points, tier, version from accounts where client_id = any($1::uuid[])"
            " order by client_id for update",
            clients,
        )
        orders = {(self.key(m), m.subject_id) for m in messages if isinstance(m, OrderEvent | OrderForgotten)}
        copies = await _copies(unit, orders)
        programmes = await share_programmes(unit)
        loaded = {client: Account(client, programmes) for client in clients}
        loaded |= {row["client_id"]: _account(row, programmes) for row in rows}
        for copy in copies:
            client_id, *fields = copy
            loaded[client_id].orders[copy["order_id"]] = OrderCopy(*fields)
        return loaded

    async def save(self, unit: Unit, states: Sequence[Account]) -> None:
        """Write what is newer than its row, and add the new lines of the ledger."""
        await _save_accounts(unit, states)
        copies = [(account.client_id, copy) for account in states for copy in account.orders.values()]
        if copies:
            await _save_copies(unit, copies)
        entries = [entry for account in states for entry in account.entries]
        if entries:
            await unit.connection.copy_records_to_table(
                "entries", columns=ENTRY_COLUMNS, records=[(*entry[:-1], *entry.why) for entry in entries]
            )


accounts = Accounts()


async def ungraded(unit: Unit, lane: int, after: UUID, limit: int) -> list[UUID]:
    """Return the accounts of a lane whose tier is not what the programme in force gives them."""
    tiers = (await read_programmes(unit)).in_force.tiers
    rows = await unit.connection.fetch(
        "select client_id from accounts where lane = $1 and client_id > $2 and version > 0 and tier <>"
        " case when points >= $3 then 'gold' when points >= $4 then 'silver' else 'bronze' end"
        " order by client_id limit $5",
        lane,
        after,
        tiers["gold"],
        tiers["silver"],
        limit,
    )
    return [row["client_id"] for row in rows]


def _account(row: asyncpg.Record, programmes: Programmes) -> Account:
    return Account(row["client_id"], programmes, row["points"], row["tier"], row["version"])


async def _copies(unit: Unit, orders: Collection[tuple[UUID | None, UUID]]) -> list[asyncpg.Record]:
    clients, ids = zip(*orders, strict=True) if orders else ((), ())
    return await unit.connection.fetch(
        "select client_id, order_id, version, kind, currency, total, refunded, paid_at, present, points,"
        " programme_version, incarnation from order_copies"
        " join unnest($1::uuid[], $2::uuid[]) heard(client_id, order_id) using (client_id, order_id)",
        list(clients),
        list(ids),
    )


async def _save_accounts(unit: Unit, states: Sequence[Account]) -> None:
    await unit.connection.execute(
        "update accounts a set points = n.points, tier = n.tier, version = n.version"
        " from unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[]) n(client_id, points, tier, version)"
        " where a.client_id = n.client_id and a.version < n.version",
        [account.client_id for account in states],
        [account.points for account in states],
        [account.tier for account in states],
        [account.version for account in states],
    )


async def _save_copies(unit: Unit, copies: Sequence[tuple[UUID, OrderCopy]]) -> None:
    await unit.connection.execute(
        "insert into order_copies select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[],"
        " $6::numeric[], $7::numeric[], $8::timestamptz[], $9::boolean[], $10::bigint[], $11::int[], $12::bigint[])"
        " on conflict (client_id, order_id) do update set version = excluded.version, kind = excluded.kind,"
        " currency = excluded.currency, total = excluded.total, refunded = excluded.refunded,"
        " paid_at = excluded.paid_at, present = excluded.present, points = excluded.points,"
        " programme_version = excluded.programme_version, incarnation = excluded.incarnation"
        " where (order_copies.incarnation, order_copies.version) < (excluded.incarnation, excluded.version)",
        [client_id for client_id, _ in copies],
        [copy.order_id for _, copy in copies],
        [copy.version for _, copy in copies],
        [copy.kind for _, copy in copies],
        [copy.currency for _, copy in copies],
        [copy.total for _, copy in copies],
        [copy.refunded for _, copy in copies],
        [copy.paid_at for _, copy in copies],
        [copy.present for _, copy in copies],
        [copy.points for _, copy in copies],
        [copy.programme_version for _, copy in copies],
        [copy.incarnation for _, copy in copies],
    )


async def find_account(unit: Unit, client_id: UUID) -> asyncpg.Record | None:
    """Return a client's account; None if nothing was ever heard of the client."""
    return await unit.connection.fetchrow(
        "select client_id, points, tier, version from accounts where client_id = $1", client_id
    )


async def list_accounts(unit: Unit, after: UUID | None, limit: int) -> list[asyncpg.Record]:
    """Return accounts on which something was booked, by client id."""
    return await unit.connection.fetch(
        "select client_id, points, tier, version from accounts"
        " where version > 0 and ($1::uuid is null or client_id > $1) order by client_id limit $2",
        after,
        limit,
    )


async def count_accounts(unit: Unit) -> int:
    """Return on how many accounts something was booked."""
    return cast("int", await unit.connection.fetchval("select count(*) from accounts where version > 0"))


async def list_entries(unit: Unit, client_id: UUID, before: int | None, limit: int) -> list[asyncpg.Record]:
    """Return the lines of an account's ledger, the last booked first."""
    return await unit.connection.fetch(
        "select number, id, order_id, points, balance, kind, at, cause, cause_place, programme_version from entries"
        " where client_id = $1 and ($2::bigint is null or number < $2) order by number desc limit $3",
        client_id,
        before,
        limit,
    )


async def count_entries(unit: Unit, client_id: UUID) -> int:
    """Return how many lines an account's ledger has."""
    return cast("int", await unit.connection.fetchval("select count(*) from entries where client_id = $1", client_id))
