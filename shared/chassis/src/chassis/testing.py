"""Pytest plugin: a bench for one service on a real PostgreSQL, where a message goes in and rows and events come out.

``KLIENTELA_TEST_POSTGRES`` names a server where databases may be made. Every test has a database of its own, copied
from one that was migrated once.
"""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio

from chassis.consume.intake import store_intake, work_off
from chassis.consume.jobs import do_pages
from chassis.consume.progress import Progress, begin_progress, read_progress
from chassis.consume.retry import retry_parked
from chassis.consume.subscription import Page, Subscription
from chassis.consume.timers import fire_due
from chassis.database import Database, run_formatted
from chassis.events.incarnations import begin_incarnation
from chassis.events.lanes import lane_of
from chassis.events.log import read_log
from chassis.events.record import Position, Record
from chassis.events.unit import command_cause
from chassis.run.migrations import CHASSIS, folder_of, migrate
from chassis.run.settings import Settings
from chassis.run.start import seed
from chassis.service import Service
from chassis.web.app import build_app
from chassis.web.keys import KeyReader, new_signing_key, public_keys, sign_key
from schemas.catalogue import EVENTS
from schemas.event import Event

TEMPLATES: dict[str | None, str] = {}
"""The migrated database of a package; they stay on the server: `klientela test` throws its own away."""


def server_dsn() -> str:
    """Return the test server's DSN, or skip with the way to get one."""
    dsn = os.environ.get("KLIENTELA_TEST_POSTGRES")
    if not dsn:
        pytest.skip("KLIENTELA_TEST_POSTGRES is not set: run the tests with ./klientela test")
    return dsn


def dsn_of(database: str) -> str:
    """Return the DSN of a database on the test server."""
    return f"{server_dsn().rsplit('/', 1)[0]}/{database}"


class Bench:
    """One service with a fresh database: hear events, take in raw messages, fire timers, ask its API."""

    def __init__(self, service: Service, database: Database, settings: Settings, private: str) -> None:
        self.service, self.database, self._settings, self._private = service, database, settings, private
        self._subscription = Subscription(database, service)

    async def hear(self, *events: Event) -> list[Event]:
        """Give events as one batch of new records per owner; return what was published."""
        before = await self._head()
        for source in dict.fromkeys(event.owner() for event in events):
            mine = [event for event in events if event.owner() == source]
            await self._subscription.apply(source, await self.numbered(*mine))
        return await self._since(before)

    async def hear_anew(self, *events: Event) -> list[Event]:
        """Give events, page by page, as their owner tells them after it was set back; return what was published."""
        before = await self._head()
        for event in events:
            lane = lane_of(event.partition_key)
            after = (await self._reached(event.owner()))[lane]
            await self.hear_page(lane, after, _record(event, Position(2, after.sequence + 1)))
        return await self._since(before)

    async def numbered(self, *events: Event) -> list[Record]:
        """Make records of one owner's events, numbered on from where this service has come in each lane."""
        at = await self._reached(events[0].owner())
        records = []
        for event in events:
            lane = lane_of(event.partition_key)
            at[lane] = Position(at[lane].incarnation or 1, at[lane].sequence + 1)
            records.append(_record(event, at[lane]))
        return records

    async def _reached(self, source: str) -> Progress:
        async with self.database.pool.acquire() as connection:
            await begin_progress(connection, "main", [source])
            return await read_progress(connection, "main", source)

    async def hear_records(self, *records: Record) -> set[int]:
        """Give records exactly as they are, numbers and all, in one batch; return the lanes with a hole."""
        return await self._subscription.apply(records[0].source, records)

    async def hear_page(self, lane: int, after: Position, *records: Record) -> None:
        """Give records as a page of their owner's feed."""
        await self._subscription.apply(records[0].source, records, Page(lane, after, records[-1].position))

    async def take_in(self, kind: str, channel: UUID | None, *bodies: bytes) -> list[Event]:
        """Store raw messages and work them off; return what was published."""
        before = await self._head()
        async with self.database.pool.acquire() as connection:
            await store_intake(connection, kind, channel, *bodies)
        while await work_off(self.database, self.service):
            pass
        return await self._since(before)

    async def fire_timers(self, *, ahead: timedelta = timedelta(0)) -> list[Event]:
        """Move business time and fire what is due; return what was published."""
        before = await self._head()
        await self.database.pool.execute("update chassis.clock set ahead = $1", ahead)
        await fire_due(self.database, self.service)
        return await self._since(before)

    async def do_jobs(self) -> list[Event]:
        """Give everybody their turn, page by page, until no job is left; return what was published."""
        before = await self._head()
        while await do_pages(self.database, self.service):
            pass
        return await self._since(before)

    async def retry_parked(self) -> None:
        """Try parked events again, as the worker does by itself."""
        await retry_parked(self.database, self.service)

    @asynccontextmanager
    async def api(self, role: str = "operator") -> AsyncIterator[httpx.AsyncClient]:
        """Give a client of the service's API with a new key of a role; an empty role gives none."""
        app = build_app(self.service, self.database, KeyReader(public_keys(self._private)), self._settings)
        headers = {"Authorization": f"Bearer {self.key(role)}"} if role else {}
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url=f"http://{self.service.name}", headers=headers
        ) as api:
            yield api

    def key(self, role: str) -> str:
        """Return a signed key."""
        return sign_key(self._private, role=role, name=f"test {role}", key_id=uuid4())

    async def rows(self, sql: str, *args: object) -> list[Any]:
        """Run SQL on the service's database; rows compare like tuples."""
        return await self.database.pool.fetch(sql, *args)

    async def records(self) -> list[Record]:
        """Return the whole event log, lane by lane."""
        async with self.database.pool.acquire() as connection:
            return await read_log(connection, self.service.name)

    async def dead_letters(self) -> list[Any]:
        """Return the dead letters."""
        return await self.rows("select * from chassis.dead_letters order by died_at, id")

    async def failing_checks(self) -> dict[str, list[str]]:
        """Return the service's own checks that fail, with what they name."""
        found = {check.name: [row["what"] for row in await self.rows(check.failures)] for check in self.service.checks}
        return {name: rows for name, rows in found.items() if rows}

    async def _head(self) -> set[UUID]:
        return {record.id for record in await self.records()}

    async def _since(self, before: set[UUID]) -> list[Event]:
        rows = await self.rows("select id, type, body from chassis.events order by at, lane, sequence")
        return [EVENTS[row["type"]].model_validate_json(row["body"]) for row in rows if row["id"] not in before]


def _record(event: Event, at: Position) -> Record:
    cause = command_cause("test")
    return Record(
        event.owner(), lane_of(event.partition_key), at.sequence, at.incarnation, uuid4(), event.event_type,
        event.partition_key, event.subject_id, event.subject_version, datetime.now(UTC), cause.correlation, None, "", 0,
        "test", event.model_dump_json().encode(),
    )  # fmt: skip


def bench_of(service: Service) -> Callable[..., Any]:
    """Return a fixture named after nobody: assign it to ``bench`` in a conftest."""

    @pytest_asyncio.fixture
    async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
        name = await new_database(service)
        database = Database(dsn_of(name), size=6)
        await database.open()
        async with database.pool.acquire() as connection:
            await begin_incarnation(connection, database.identity)
        await seed(database, service)
        try:
            yield Bench(service, database, *_keys(tmp_path))
        finally:
            await database.close()
            await drop_database(name)

    return bench


def _keys(folder: Path) -> tuple[Settings, str]:
    private = new_signing_key()
    (folder / "signing-key.json").write_text(private)
    (folder / "public-keys.json").write_text(public_keys(private))
    settings = Settings(public_keys=folder / "public-keys.json", signing_key=folder / "signing-key.json")
    return settings, private


async def new_database(service: Service) -> str:
    """Make a database for one test from the service's migrated template; return its name."""
    name = f"test_{service.package}_{uuid4().hex[:12]}"
    server = await asyncpg.connect(server_dsn())
    try:
        template = await _template(server, service.package if find_spec(service.package) else None)
        await run_formatted(server, "create database %I template %I", name, template)
    finally:
        await server.close()
    return name


async def _template(server: "asyncpg.Connection[asyncpg.Record]", package: str | None) -> str:
    """Return the database that has a package's migrations, named after them: whoever comes first makes it, for all."""
    if package not in TEMPLATES:
        folders = [CHASSIS] + ([folder_of(package)] if package else [])
        digest = sha256(b"".join(path.read_bytes() for folder in folders for path in sorted(folder.glob("*.sql"))))
        name = f"template_{package or 'chassis'}_{digest.hexdigest()[:12]}"
        await server.execute("select pg_advisory_lock(hashtext($1))", name)  # lint-skip: session-changed its own
        if not await server.fetchval("select 1 from pg_database where datname = $1", name):
            unfinished = f"{name}_{uuid4().hex[:8]}"
            await run_formatted(server, "create database %I", unfinished)
            await migrate(dsn_of(unfinished), package)
            await run_formatted(server, "alter database %I rename to %I", unfinished, name)
        await server.execute("select pg_advisory_unlock(hashtext($1))", name)
        TEMPLATES[package] = name
    return TEMPLATES[package]


async def drop_database(name: str) -> None:
    """Drop a test's database, whoever is still connected."""
    server = await asyncpg.connect(server_dsn())
    await run_formatted(server, "drop database if exists %I with (force)", name)
    await server.close()
