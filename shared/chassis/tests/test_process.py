"""Migrations, health and metrics."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
from prometheus_client.parser import text_string_to_metric_families

from chassis.consume.progress import begin_progress
from chassis.run.migrations import CHASSIS, head_of, migrate
from chassis.testing import Bench, dsn_of, server_dsn
from chassis.web.health import Health

Make = Any
SHAPE = (
    "select table_name, column_name, data_type, column_default from information_schema.columns"
    " where table_schema = 'chassis' and table_name <> 'events_1' order by 1, 2"
)


async def test_migrations_twice_and_by_four_at_once_are_the_same_as_once(bench: Bench) -> None:
    name = f"test_migrations_{uuid4().hex[:12]}"
    await bench.rows("select 1")
    server = await asyncpg.connect(server_dsn())
    await server.execute(await server.fetchval("select format('create database %I', $1::text)", name))
    try:
        await asyncio.gather(*(migrate(dsn_of(name), None) for _ in range(4)))
        await migrate(dsn_of(name), None)
        connection = await asyncpg.connect(dsn_of(name))
        assert await connection.fetch(SHAPE) == await bench.rows(SHAPE)
        assert await connection.fetchval("select version_num from migrations_chassis") == head_of(CHASSIS)
        await connection.close()
    finally:
        await server.execute(await server.fetchval("select format('drop database %I with (force)', $1::text)", name))
        await server.close()


def test_the_name_of_a_revision_follows_from_its_file(tmp_path: Path) -> None:
    for file in ("0001_till.py", "0010_till.py", "0009_till.py", "0011_till.sql", "readme.py"):
        (tmp_path / file).touch()
    assert head_of(tmp_path) == "till_0010"
    assert f'revision = "{head_of(CHASSIS)}"' in max(CHASSIS.glob("[0-9]*.py")).read_text()


async def test_ready_says_what_it_waits_for_and_metrics_what_lags(bench: Bench, placed: Make) -> None:
    client = uuid4()
    (record,) = await bench.numbered(placed(client, 1))
    await bench.hear_records(record)
    await bench.hear(placed(client, 666), placed(uuid4(), 13))
    async with bench.database.pool.acquire() as connection:
        await begin_progress(connection, "main", ["orders"])
    async with bench.api("") as api:
        assert isinstance(api._transport, httpx.ASGITransport)
        health: Health = api._transport.app.state.health  # type: ignore[attr-defined]
        health.waiting = {"relay", "consumer"}
        health.heads = {"orders": {record.lane: 12}}
        answer = await api.get("/health/ready")
        assert (answer.status_code, answer.json()) == (503, {"ready": False, "waiting": ["consumer", "relay"]})
        assert (await api.get("/health/live")).status_code == 200
        health.waiting.clear()
        assert (await api.get("/health/ready")).status_code == 200
        text = (await api.get("/metrics")).text
    families = {family.name: family.samples for family in text_string_to_metric_families(text)}
    here = {"subscription": "main", "source": "orders", "lane": str(record.lane)}
    (lag,) = (sample.value for sample in families["klientela_lag"] if sample.labels == here)
    assert 9 <= lag <= 11
    assert [families[f"klientela_{name}"][0].value for name in ("parked", "dead", "timers_due")] == [1, 1, 0]
    assert families["klientela_oldest_unpublished_seconds"][0].value > 0
    assert sum(sample.value for sample in families["klientela_unpublished"]) == 1
