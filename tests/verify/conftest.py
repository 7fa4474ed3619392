"""A suite whose story is told once; every test may spoil a copy of it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import uuid4

import asyncpg
import pytest

from chassis.database import Connection
from chassis.testing import drop_database, dsn_of, server_dsn
from klientela.proof import snapshot
from klientela.proof.finding import Finding
from klientela.proof.verify import all_services, prove
from tests.verify.story import Story, tell
from tests.verify.suite_in_process import SuiteInProcess, new_databases


@dataclass
class Told:
    """Databases that nobody is connected to, so that they can be copied, and what is in them."""

    databases: dict[str, str]
    story: Story


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("keys")

    async def telling() -> Told:
        databases = await new_databases()
        async with SuiteInProcess(databases, folder).opened() as suite:
            return Told(databases, await tell(suite))

    found = asyncio.run(telling())
    yield found
    for dsn in found.databases.values():
        asyncio.run(drop_database(name_of(dsn)))


def name_of(dsn: str) -> str:
    return dsn.rpartition("/")[2]


async def copy(dsn: str) -> str:
    """Copy a database; return the DSN of the copy."""
    name = f"copy_{uuid4().hex[:12]}"
    server = await asyncpg.connect(server_dsn())
    order = "select format('create database %I template %I', $1::text, $2::text)"
    await server.execute(await server.fetchval(order, name, name_of(dsn)))
    await server.close()
    return dsn_of(name)


async def unpublished(dsn: str) -> str:
    """Copy a database as if Kafka had never taken anything of it; return the DSN of the copy."""
    copied = await copy(dsn)
    connection = await asyncpg.connect(copied)
    await connection.execute("update chassis.cursors set sequence = 0")
    await connection.close()
    return copied


class Workshop:
    """The told suite's databases for a test that spoils them: in a transaction that is undone, or in a copy."""

    def __init__(self, told: Told) -> None:
        self.story, self.databases = told.story, dict(told.databases)
        self.copies: list[str] = []

    async def prove(self, wait: float = 0, progress: Callable[[str], None] = lambda _: None) -> dict[str, Finding]:
        """Run all checks; return what was found by the checks' names."""
        findings = await prove(all_services(), self.databases, wait, progress)
        assert len({finding.name for finding in findings}) == len(findings)
        return {finding.name: finding for finding in findings}

    async def prove_spoilt(self, service: str, sql: str) -> tuple[str, dict[str, Finding]]:
        """Run all checks after SQL on a service's database, which is then undone; return also what PostgreSQL did."""
        spoilt = await asyncpg.connect(self.databases[service], server_settings=snapshot.SESSION)
        connect = snapshot.connect_to

        async def connect_to(stack: AsyncExitStack, name: str, dsn: str) -> Connection:
            return spoilt if name == service else await connect(stack, name, dsn)

        transaction = spoilt.transaction(isolation="repeatable_read")
        try:
            await transaction.start()
            done = await spoilt.execute(sql)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(snapshot, "connect_to", connect_to)
                return done, await self.prove()
        finally:
            await transaction.rollback()
            await spoilt.close()

    async def spoil(self, service: str, sql: str) -> str:
        """Run SQL on a copy of a service's database; return what PostgreSQL says it has done."""
        self.databases[service] = await copy(self.databases[service])
        self.copies.append(self.databases[service])
        connection = await asyncpg.connect(self.databases[service])
        done = await connection.execute(sql)
        await connection.close()
        return done


@pytest.fixture
def workshop(told: Told, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    monkeypatch.setattr(snapshot, "BETWEEN_LOOKS", 0)
    one = Workshop(told)
    yield one
    for dsn in one.copies:
        asyncio.run(drop_database(name_of(dsn)))
