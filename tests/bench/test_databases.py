"""What rows of the bench do to a database is what they say: timers wait, fire and are late; a snapshot is held."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
import pytest_asyncio

from bench.recorded import Recorded
from bench.rows import timers
from bench.rows.snapshot import snapshot
from bench.servers import connection_to, opened
from bench.tables import Unfinished, added, copy_part, count_of, rows_of
from chassis.database import Database
from chassis.events.lanes import LANES
from chassis.events.timers import unpack
from chassis.run.start import seed
from chassis.testing import drop_database, dsn_of, new_database
from service_desk.handlers import service

PARK = (
    "insert into chassis.parked (subscription, handler, key, record, reason)"
    " values ('main', 'none', gen_random_uuid(), '', '')"
)
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
        lap = await timers.fire(database)
        assert lap.cpu
        assert dict(lap.also)["samples"] == 5
        assert dict(lap.also)["beyond the pause"] == pytest.approx(lap.figure - 500)
        assert await database.pool.fetchval("select count(*) from chassis.events") == said
        assert await database.pool.fetchval("select count(*) from chassis.timers") == LANES


async def test_what_fires_and_leaves_something_undone_has_no_figure(
    desk: tuple[str, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, database = desk
    monkeypatch.setattr(timers, "DUE", 1)
    await database.pool.execute(
        "insert into chassis.jobs (kind, lane, subject, cause) values ('none', 0, gen_random_uuid(), '')"
    )
    with pytest.raises(Unfinished, match="jobs"):
        await timers.fire(database)


async def test_rows_are_copied_part_by_part_and_counted(desk: tuple[str, Database]) -> None:
    dsn, database = desk
    before = await rows_of(dsn)
    await timers.fill(database, 2 * LANES)
    new, left_out = added(await rows_of(dsn), before)
    assert [str(table) for table in new] == ["chassis.timers"]
    assert left_out == []
    await database.pool.execute("truncate chassis.timers")
    async with connection_to(dsn) as connection:
        for start in range(0, 10, 5):
            await copy_part(connection, new, start, start + 5, 10)
        assert await count_of(connection, new) == {"chassis.timers": 2 * LANES}
    assert sorted(map(repr, (await rows_of(dsn))[next(iter(new))])) == sorted(map(repr, next(iter(new.values()))))


async def test_a_lap_counts_only_if_it_made_what_the_suite_had_made(desk: tuple[str, Database]) -> None:
    dsn, database = desk
    name = await new_database(service)
    recorded = Recorded(cast("Any", None), cast("Any", SimpleNamespace(dsn=lambda _: dsn)), {})
    async with opened(dsn_of(name)) as other:
        await seed(other, service)
        await recorded.check("service-desk", dsn_of(name))
        await timers.fill(database, LANES)
        with pytest.raises(Unfinished, match=f"service-desk has 0 of {LANES} rows of chassis.timers"):
            await recorded.check("service-desk", dsn_of(name))
        await timers.fill(other, LANES)
        await recorded.check("service-desk", dsn_of(name))
        await other.pool.execute(PARK)
        with pytest.raises(Unfinished, match="1 parked"):
            await recorded.check("service-desk", dsn_of(name))
    await drop_database(name)


async def test_a_snapshot_is_held_within_and_not_afterwards(desk: tuple[str, Database]) -> None:
    dsn, database = desk
    async with snapshot(dsn):
        assert await database.pool.fetchval(HOLDING) == 1
    assert await database.pool.fetchval(HOLDING) == 0
