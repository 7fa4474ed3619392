"""Asking the running suite: through its APIs, and for every row it has."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import asyncpg

from tests.rig import Rig


async def get(suite: Rig, service: str, path: str, **query: Any) -> Any:
    async with suite.api(service, "viewer") as api:
        response = await api.get(path, params=query)
    assert response.status_code == 200, response.text
    return response.json()


async def state_of_everything(suite: Rig) -> dict[str, list[bytes]]:
    """Return every row of every table but the raw intake and what was tried last of it, and every log head."""
    found: dict[str, list[bytes]] = {}
    for name in suite.names:
        connection = await asyncpg.connect(suite.dsn(name))
        try:
            found |= {f"{name} {table}": rows for table, rows in (await rows_of_tables(connection)).items()}
        finally:
            await connection.close()
    return found


async def rows_of_tables(
    connection: "asyncpg.Connection[asyncpg.Record]", without: Sequence[str] = ("intake", "attempts", "idempotency")
) -> dict[str, list[bytes]]:
    tables = await connection.fetch(
        "select relnamespace::regnamespace::text, relname from pg_class where relkind = 'r'"
        " and relnamespace in ('public'::regnamespace, 'chassis'::regnamespace)"
        " and relname <> all($1::text[]) and relname not like 'migrations%' order by 1, 2",
        without,
    )
    found: dict[str, list[bytes]] = {}
    for schema, table in tables:
        rows = BytesIO()
        await connection.copy_from_table(table, schema_name=schema, output=rows)
        found[f"{schema}.{table}"] = sorted(rows.getvalue().splitlines())
    return found
