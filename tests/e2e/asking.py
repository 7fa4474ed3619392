"""Asking the running suite: through its APIs, and for every row it has."""

from typing import Any

from tests.rig import Rig


async def get(suite: Rig, service: str, path: str, **query: Any) -> Any:
    async with suite.api(service, "viewer") as api:
        response = await api.get(path, params=query)
    assert response.status_code == 200, response.text
    return response.json()


async def state_of_everything(suite: Rig) -> dict[str, Any]:
    """Return every row of every table but the raw intake, and every log head."""
    found: dict[str, Any] = {}
    for name in suite.names:
        tables = await suite.rows(
            name,
            "select format('%I.%I', schemaname, tablename) as t from pg_tables where schemaname in"
            " ('public', 'chassis') and tablename not in ('intake', 'idempotency')"
            " and tablename not like 'migrations%' order by 1",
        )
        for row in tables:
            rows = await suite.rows(name, "select query_to_xml($1, true, false, '')::text", f"table {row['t']}")
            found[f"{name} {row['t']}"] = sorted(str(rows[0][0]).split("</row>"))
    return found
