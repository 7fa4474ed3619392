"""What rows of the bench do to a database is what they say: timers wait, fire and are late; a snapshot is held."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from bench.rows import timers
from bench.rows.snapshot import snapshot
from bench.servers import opened
from chassis.database import Database
from chassis.events.lanes import LANES
from chassis.events.timers import unpack
from chassis.run.start import seed
from chassis.testing import drop_database, dsn_of, new_database
from service_desk.handlers import service

HOLDING = (
    "select count(*) from pg_stat_activity where datname = current_database() and backend_xmin is not null"
    " and pid <> pg_backend_pid()"
)


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[tuple[str, Database]]:
    """Give the database of a service desk, and where it is."""
    name = await new_database(service)
    async with opened(dsn_of(name)) as database:
        await seed(database, service)
        yield dsn_of(name), database
    await drop_database(name)


async def test_timers_that_wait_are_as_the_chassis_writes_them(desk: tuple[str, Database]) -> None:
    _, database = desk
    await timers.fill(database, 2 * LANES)
    found = await database.pool.fetch("select * from chassis.timers")
    assert {row["kind"] for row in found} == set(service.timer_kinds())
    assert sorted(row["lane"] for row in found) == sorted([*range(LANES)] * 2)
    assert min(row["due"] for row in found) > datetime.now(UTC) + timedelta(minutes=50)
    assert {unpack(row["cause"]) for row in found} == {timers.CAUSE}


async def test_what_is_due_is_fired_again_and_again_and_what_waits_waits_on(
    desk: tuple[str, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, database = desk
    monkeypatch.setattr(timers, "DUE", 5)
    monkeypatch.setattr(timers, "SPAN", timedelta(seconds=0.5))
    await timers.fill(database, LANES)
    for said in (5, 10):
        assert (await timers.fire(database)).figure > 0
        assert await database.pool.fetchval("select count(*) from chassis.events") == said
        assert await database.pool.fetchval("select count(*) from chassis.timers") == LANES


async def test_a_snapshot_is_held_within_and_not_afterwards(desk: tuple[str, Database]) -> None:
    dsn, database = desk
    async with snapshot(dsn):
        assert await database.pool.fetchval(HOLDING) == 1
    assert await database.pool.fetchval(HOLDING) == 0
