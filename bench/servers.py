"""The two servers of a run, as durable as those of `up`, in a folder of their own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple
from uuid import uuid4

import asyncpg

from chassis.database import Database, run_formatted
from chassis.run.migrations import migrate
from chassis.run.serve import load_service
from chassis.run.topics import ensure_topics, wait_for_topics
from klientela.kafka import KafkaBroker
from klientela.postgres import PostgresServer
from tests.faults.stage import a_machine

PARTITIONS = 12


class Servers(NamedTuple):
    """A PostgreSQL and a Kafka."""

    postgres: PostgresServer
    kafka: KafkaBroker

    def dsn(self, database: str) -> str:
        """Return the address of a database."""
        return f"{self.postgres.dsn.rsplit('/', 1)[0]}/{database}"

    async def log(self) -> str:
        """Make a database with the chassis' tables alone; return its address."""
        name = f"bench_{uuid4().hex[:8]}"
        await self.command("create database %I", name)
        await migrate(self.dsn(name), None)
        return self.dsn(name)

    @asynccontextmanager
    async def tables_of(self, service: str) -> AsyncIterator[str]:
        """Give the address of a database with a service's tables; it is thrown away afterwards."""
        async with self._thrown_away() as dsn:
            await migrate(dsn, load_service(service).package)
            yield dsn

    @asynccontextmanager
    async def beside(self) -> AsyncIterator[str]:
        """Give the address of a database with a table ``stored``, of a ``body`` and nothing else; it is thrown away."""
        async with self._thrown_away() as dsn:
            connection = await asyncpg.connect(dsn)
            await connection.execute("create table stored (body bytea not null)")
            await connection.close()
            yield dsn

    @asynccontextmanager
    async def _thrown_away(self) -> AsyncIterator[str]:
        name = f"bench_{uuid4().hex[:8]}"
        await self.command("create database %I", name)
        try:
            yield self.dsn(name)
        finally:
            await self.command("drop database %I with (force)", name)

    async def command(self, sql: str, *names: str) -> None:
        """Run a command whose names are %I."""
        connection = await asyncpg.connect(self.postgres.dsn)
        await run_formatted(connection, sql, *names)
        await connection.close()

    async def copy(self, database: str, name: str) -> None:
        """Copy a database under another name; who is still connected to it is cut off."""
        connection = await asyncpg.connect(self.postgres.dsn)
        await connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", database)
        await run_formatted(connection, "create database %I template %I", name, database)
        await connection.close()

    async def topic(self) -> str:
        """Make a topic and return its name."""
        name = f"bench.{uuid4().hex[:8]}"
        await ensure_topics(self.kafka.bootstrap, [name], PARTITIONS, 1)
        await wait_for_topics(self.kafka.bootstrap, [name])
        return name


@asynccontextmanager
async def both_servers() -> AsyncIterator[Servers]:
    """Start both, and stop them afterwards."""
    async with a_machine(durable=True) as machine:
        yield Servers(machine.postgres, machine.kafka)


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[Database]:
    """Open a database as a service does."""
    database = Database(dsn)
    await database.open()
    try:
        yield database
    finally:
        await database.close()
