"""One database and one owner role for each service: no service can read another's."""

import asyncpg


async def provide(dsn: str, owners: dict[str, str]) -> None:
    """See to it that each role exists with its password and owns the database of its name, closed to all others."""
    connection = await asyncpg.connect(dsn)
    try:
        roles = {row["rolname"] for row in await connection.fetch("select rolname from pg_roles")}
        databases = {row["datname"] for row in await connection.fetch("select datname from pg_database")}
        for name, password in owners.items():
            verb = "alter" if name in roles else "create"
            await connection.execute(f"{verb} role \"{name}\" login password '{password}'")
            if name not in databases:
                await connection.execute(f'create database "{name}" owner "{name}"')
            await connection.execute(f'revoke connect, temporary on database "{name}" from public')
    finally:
        await connection.close()
