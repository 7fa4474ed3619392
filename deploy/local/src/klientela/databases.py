"""One database and one owner role for each service: no service can read another's."""

import asyncpg

from chassis.database import run_formatted


async def provide(dsn: str, owners: dict[str, str]) -> None:
    """See to it that each role exists with its password and owns the database of its name, closed to all others."""
    connection = await asyncpg.connect(dsn)
    try:
        roles = {row["rolname"] for row in await connection.fetch("select rolname from pg_roles")}
        databases = {row["datname"] for row in await connection.fetch("select datname from pg_database")}
        for name, password in owners.items():
            role = "alter role %I login password %L" if name in roles else "create role %I login password %L"
            await run_formatted(connection, role, name, password)
            if name not in databases:
                await run_formatted(connection, "create database %I owner %I", name, name)
            await run_formatted(connection, "revoke connect, temporary on database %I from public", name)
    finally:
        await connection.close()
