"""The floor of effects passes records on; when nobody commits them any more it fails, and does not wait for ever."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from bench.commits import Commits
from bench.rows import effect
from bench.servers import PARTITIONS
from chassis.run.topics import ensure_topics, wait_for_topics
from chassis.testing import drop_database, dsn_of, new_database
from service_desk.handlers import service
from tests.rig import kafka_bootstrap


@pytest_asyncio.fixture
async def beside() -> AsyncIterator[tuple[str, str]]:
    """Give a topic, and a database that has no table to store anything in."""
    topic, name = f"bench.{uuid4().hex[:8]}", await new_database(service)
    await ensure_topics(kafka_bootstrap(), [topic], PARTITIONS, 1)
    await wait_for_topics(kafka_bootstrap(), [topic])
    yield topic, dsn_of(name)
    await drop_database(name)


async def test_a_record_is_passed_on_and_committed(beside: tuple[str, str]) -> None:
    topic, dsn = beside
    connection = await asyncpg.connect(dsn)
    await connection.execute("create table stored (body bytea not null)")
    async with effect.passing_on(kafka_bootstrap(), topic, dsn) as send:
        await asyncio.gather(send(1, b"one"), send(2, b"two"))
    assert sorted(row["body"] for row in await connection.fetch("select body from stored")) == [b"one", b"two"]
    await connection.close()


async def test_who_waits_for_somebody_that_has_failed_to_commit_is_told(beside: tuple[str, str]) -> None:
    with pytest.RaisesGroup(asyncpg.UndefinedTableError):
        async with asyncio.timeout(30), effect.passing_on(kafka_bootstrap(), *beside) as send:
            await send(1, b"lost")


async def test_nobody_waits_for_ever_for_a_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.commits.PATIENCE", 0.01)
    with pytest.raises(TimeoutError):
        await Commits().wait([uuid4()])
