"""The two servers of a run, as durable as those of `up`, in a folder of their own."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from bench.machine import IN_MEMORY, filesystem
from bench.share import SHARE
from bench.stopwatch import ALONE, Meter
from chassis.closing import connected
from chassis.database import Connection, Database, run_formatted
from chassis.run.migrations import migrate
from chassis.run.serve import load_service
from chassis.run.topics import ensure_topics, wait_for_topics
from klientela.kafka import KafkaBroker
from klientela.postgres import PostgresServer
from tests.faults.stage import a_machine

if TYPE_CHECKING:
    import psutil

PARTITIONS = 12
CUT_OFF = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1"
HERE_AND_SERVERS = "this process, PostgreSQL, Kafka"
"""Whose CPU ``Servers.meter`` counts, with nobody beside."""


class Servers(NamedTuple):
    """A PostgreSQL and a Kafka."""

    postgres: PostgresServer
    kafka: KafkaBroker

    @property
    def processes(self) -> "dict[str, psutil.Process]":
        """Both, by name."""
        return {"PostgreSQL": self.postgres.process, "Kafka": self.kafka.process}

    def meter(self) -> Meter:
        """Count the CPU of this process and of both from now on."""
        return Meter({**ALONE, **self.processes})

    def dsn(self, database: str) -> str:
        """Return the address of a database."""
        return f"{self.postgres.dsn.rsplit('/', 1)[0]}/{database}"

    @asynccontextmanager
    async def tables_of(self, service: str | None) -> AsyncIterator[str]:
        """Give the address of a database with a service's tables, or the chassis' alone; it is thrown away."""
        async with self._thrown_away() as dsn:
            await migrate(dsn, load_service(service).package if service else None)
            yield dsn

    @asynccontextmanager
    async def beside(self) -> AsyncIterator[str]:
        """Give the address of a database with a table ``stored``, of a ``body`` and nothing else; it is thrown away."""
        async with self._thrown_away() as dsn:
            async with connection_to(dsn) as connection:
                await connection.execute("create table stored (body bytea not null)")
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
        async with connection_to(self.postgres.dsn) as connection:
            await run_formatted(connection, sql, *names)

    async def copy(self, database: str, name: str) -> None:
        """Copy a database under another name; who is still connected to it is cut off."""
        async with connection_to(self.postgres.dsn) as connection:
            await connection.execute(CUT_OFF, database)
            await run_formatted(connection, "create database %I template %I", name, database)

    @asynccontextmanager
    async def topic(self) -> AsyncIterator[str]:
        """Make a topic and give its name; it is deleted afterwards."""
        name = f"bench.{uuid4().hex[:8]}"
        await ensure_topics(self.kafka.bootstrap, [name], PARTITIONS, 1)
        await wait_for_topics(self.kafka.bootstrap, [name])
        try:
            yield name
        finally:
            admin = AIOKafkaAdminClient(bootstrap_servers=self.kafka.bootstrap)
            async with connected(admin.start, admin.close):
                await admin.delete_topics([name])

    async def records(self, topics: Sequence[str]) -> int:
        """Return how many records topics have ever had."""
        consumer = AIOKafkaConsumer(*topics, bootstrap_servers=self.kafka.bootstrap)
        async with connected(consumer.start, consumer.stop):
            places = [TopicPartition(topic, n) for topic in topics for n in consumer.partitions_for_topic(topic)]
            return sum((await consumer.end_offsets(places)).values())


@asynccontextmanager
async def both_servers() -> AsyncIterator[Servers]:
    """Start both, and stop them afterwards. Raises RuntimeError where a commit would cost nothing."""
    kind = filesystem(Path(gettempdir()))
    if kind in IN_MEMORY and SHARE == 1:
        message = f"{gettempdir()} is in memory ({kind}): name a folder on a disk by TMPDIR"
        raise RuntimeError(message)
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


@asynccontextmanager
async def connection_to(dsn: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """Connect to a database for a while."""
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


def pool_of(
    dsn: str, least: int, most: int, **settings: str
) -> "AbstractAsyncContextManager[asyncpg.Pool[asyncpg.Record]]":
    """Return a floor's connections, which as a service's are given back without a round trip."""
    return asyncpg.create_pool(dsn, min_size=least, max_size=most, reset=_keep, server_settings=settings)


async def _keep(_: Connection) -> None:
    """Leave a connection as it is."""
