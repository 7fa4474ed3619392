"""Thousands of seeded lives of relay and consumer; KLIENTELA_SEEDS says which: ``10000``, or one alone as ``4711:``."""

import asyncio
import os
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from chassis import points
from chassis.database import Database
from chassis.run.start import seed as put_in
from chassis.testing import dsn_of, new_database, server_dsn
from tests.simulation.judge import faults
from tests.simulation.toy import shop_and_till
from tests.simulation.world import World, dying

SEEDS = os.environ.get("KLIENTELA_SEEDS", "2000")


def chosen() -> range:
    """Return the seeds to run."""
    first, alone, _ = SEEDS.partition(":")
    return range(int(first), int(first) + 1) if alone else range(int(first))


@pytest_asyncio.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    server_dsn()
    monkeypatch.setattr(points, "os", points.os)  # type: ignore[attr-defined]
    dying()
    shop, till = shop_and_till()
    databases = [Database(dsn_of(await new_database(service)), size=6) for service in (shop, till)]
    for database, service in zip(databases, (shop, till), strict=True):
        await database.open()
        await put_in(database, service)
    session: asyncpg.Connection[asyncpg.Record] = await databases[0].connect()
    yield World(databases[0], databases[1], till, session)
    await session.close()
    await asyncio.gather(*(database.close() for database in databases))


async def test_every_seed_ends_with_each_event_heard_once_and_in_order(world: World) -> None:
    for seed in chosen():
        keys = await world.run(seed)
        wrong = await faults(world.shop.pool, world.till.pool, keys)
        assert wrong == [], f"repeat it with KLIENTELA_SEEDS={seed}: ./klientela test tests/simulation"
