"""Clients as rows of their table, there and back."""

from collections.abc import Iterable

import asyncpg
import orjson

from chassis.database import Connection
from schemas.clients import Client
from schemas.values import Address

COLUMNS = (
    "id", "number", "kind", "name", "ico", "dic", "email", "phone", "notes", "status", "starred", "billing", "delivery",
    "version",
)  # fmt: skip
SELECT = f"select {', '.join(COLUMNS)} from clients"  # noqa: S608 - a constant
"""What every query begins with whose rows `client_of` reads."""

WRITE = """
    insert into clients (
        id, number, kind, name, ico, dic, email, phone, notes, status, starred, billing, delivery, version
    )
    select *
    from unnest(
        $1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
        $10::text[], $11::boolean[], $12::jsonb[], $13::jsonb[], $14::bigint[]
    )
    on conflict (id) do update set
        kind = excluded.kind, name = excluded.name, ico = excluded.ico, dic = excluded.dic, email = excluded.email,
        phone = excluded.phone, notes = excluded.notes, status = excluded.status, starred = excluded.starred,
        billing = excluded.billing, delivery = excluded.delivery, version = excluded.version
"""


def client_of(row: asyncpg.Record) -> Client:
    """Read a client; what the table holds was validated when it came."""
    delivery = row["delivery"]
    return Client.model_construct(
        **{name: row[name] for name in COLUMNS if name not in {"billing", "delivery"}},
        billing=Address(**orjson.loads(row["billing"])),
        delivery=Address(**orjson.loads(delivery)) if delivery else None,
    )


async def write_clients(connection: Connection, clients: Iterable[Client]) -> None:
    """Insert new clients and write changed ones, in the order of their ids."""
    rows = [_row(client) for client in sorted(clients, key=lambda client: client.id)]
    if rows:
        await connection.execute(WRITE, *(list(column) for column in zip(*rows, strict=True)))


def _row(client: Client) -> tuple[object, ...]:
    billing = client.billing.model_dump_json()
    delivery = client.delivery.model_dump_json() if client.delivery else None
    return (
        client.id, client.number, client.kind, client.name, client.ico, client.dic, client.email, client.phone,
        client.notes, client.status, client.starred, billing, delivery, client.version,
    )  # fmt: skip
