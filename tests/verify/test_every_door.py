"""Every route, every role: who may not is refused and changes no row; who may is let in, and changes one."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from fastapi.routing import iter_route_contexts

from chassis.consume.kept import keep
from chassis.events.log import read_log
from chassis.run.settings import Settings
from chassis.testing import drop_database
from chassis.web.keys import new_signing_key, sign_key
from klientela.proof.verify import all_services
from tests.e2e.asking import rows_of_tables
from tests.verify.conftest import Told, copy, name_of
from tests.verify.doors import ANYBODY, CHANGES, IDS, QUERIES, ROLES, SIGNED, doors_of, opens
from tests.verify.suite_in_process import OneService

SERVICES = {service.name: service for service in all_services()}
every_service = pytest.mark.parametrize("name", SERVICES)
PRIVATE = new_signing_key()
REVOKED = UUID(int=7)
KNOWS_ALL = {"get_account", "list_entries", "revoke_key"}
"""Doors that take any id: every client has an account of no points, and a key may have been made anywhere."""


def keys_that_open_nothing() -> dict[str, str]:
    """Return what a stranger, a former operator or a shop might send."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    whole = sign_key(PRIVATE, role="admin", name="Eva")
    head, _, signature = whole.split(".")
    _, claims, _ = sign_key(PRIVATE, role="admin", name="Adam").split(".")
    return {
        "no key": "",
        "nonsense": "nonsense",
        "another suite's": sign_key(new_signing_key(), role="admin", name="Eva"),
        "an expired one": sign_key(PRIVATE, role="admin", name="Eva", expires_at=yesterday),
        "another's signature": f"{head}.{claims}.{signature}",
        "without a signature": f"{head}.{claims}.",
        "a revoked one": sign_key(PRIVATE, role="admin", name="Eva", key_id=REVOKED),
    }


def keys_by_role() -> dict[str, str]:
    return {role: sign_key(PRIVATE, role=role, name="Eva") for role in (*ROLES, "service", "channel")}


class House:
    """One service on a copy of the told suite, and everything that a path or a body may name."""

    def __init__(self, told: Told, name: str, dsn: str, folder: Path) -> None:
        signing_key = folder / "signing-key.json"
        signing_key.write_text(PRIVATE)
        settings = Settings(signing_key=signing_key, public_keys=folder / "public-keys.json")
        self.one = OneService(SERVICES[name], dsn, settings, PRIVATE)
        self.name, self.story, self.dsn = name, told.story, dsn
        self.named: dict[str, str] = {}
        self.routes = {
            route.name: route  # type: ignore[attr-defined]
            for route in (each.original_route for each in iter_route_contexts(self.one.app.routes))
        }

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["House"]:
        await self.one.database.open()
        self.connection = await asyncpg.connect(self.dsn)
        try:
            await self._furnish()
            yield self
        finally:
            await self.connection.close()
            await self.one.database.close()

    async def _furnish(self) -> None:
        """A letter of nobody's, a revoked key, a service order to complete; then look for the names."""
        connection, story = self.connection, self.story
        log = await read_log(connection, self.name)
        restated = next((record for record in log if record.type in self.one.service.restates), log[0])
        self.named = {"client_id": str(story.client), "order_id": str(story.order), "letter": str(uuid4())}
        await connection.execute(
            "insert into chassis.dead_letters (id, subscription, handler, source, type, record, reason)"
            " values ($1, 'main', 'nobody', 'x', 'x', $2, 'x')",
            UUID(self.named["letter"]),
            keep(restated),
        )
        await connection.execute("insert into chassis.revoked_keys values ($1, now())", REVOKED)
        if self.name == "service-desk":
            await connection.execute(
                "insert into service_orders (id, device_id, title, state, opened_at, version)"
                " select gen_random_uuid(), id, 'Prohlídka', 'open', '2026-09-01', 1 from devices limit 1"
            )
        for name in ("lane", "sequence", "type", "key", "subject"):
            self.named[name] = str(getattr(restated, name))
        for name, question in IDS[self.name].items():
            self.named[name] = str(await connection.fetchval(question))

    def path(self, door: str) -> str:
        path: str = self.routes[door].path  # type: ignore[attr-defined]
        return path.replace(":path}", "}")

    def changes(self, door: str) -> bool:
        """Tell whether a door leads to a change; a service whose subjects have no copies has nothing to tell anew."""
        return door in CHANGES and (door != "restate" or bool(self.one.service.restates))

    async def knock(self, door: str, key: str, named: dict[str, str] | None = None) -> int:
        """Ask at a door as its change is asked for; return the status of the answer."""
        named = named or self.named
        (method,) = self.routes[door].methods - {"HEAD"}  # type: ignore[attr-defined]
        body = CHANGES.get(door)
        for name, said in named.items():
            body = json.loads(json.dumps(body).replace(f'"{{{name}}}"', json.dumps(said)))
        query = {name: named[name] for name in QUERIES.get(door, ())}
        transport = httpx.ASGITransport(app=self.one.app, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": uuid4().hex} if key else {}
        async with httpx.AsyncClient(transport=transport, base_url="http://suite", headers=headers) as api:
            answer = await api.request(method, self.path(door).format_map(named), json=body, params=query)
        assert answer.status_code < 500, (door, answer.text)
        return answer.status_code

    async def rows(self) -> dict[str, list[bytes]]:
        """Return every row of every table."""
        return await rows_of_tables(self.connection, without=())


@pytest.fixture
def house(told: Told, name: str, tmp_path: Path) -> Iterator[House]:
    dsn = asyncio.run(copy(told.databases[name]))
    yield House(told, name, dsn, tmp_path)
    asyncio.run(drop_database(name_of(dsn)))


@every_service
def test_every_door_is_written_down(house: House, name: str) -> None:
    assert house.routes.keys() == doors_of(name).keys()


@every_service
def test_who_may_not_enter_is_refused_and_changes_no_row(house: House, name: str) -> None:
    async def knocking() -> None:
        async with house.opened():
            before = await house.rows()
            for door, who in doors_of(name).items():
                for role, key in keys_by_role().items():
                    if who != ANYBODY and not opens(role, who):
                        expected = 401 if who == SIGNED else 403
                        assert (door, role, await house.knock(door, key)) == (door, role, expected)
                for kind, key in keys_that_open_nothing().items():
                    if who != ANYBODY:
                        assert (door, kind, await house.knock(door, key)) == (door, kind, 401)
                assert await house.rows() == before, door

    asyncio.run(knocking())


@every_service
def test_who_may_enter_is_let_in_and_a_change_changes_rows(house: House, name: str) -> None:
    async def knocking() -> None:
        doors = doors_of(name)
        changes = [door for door in CHANGES if door in doors]
        async with house.opened():
            for door in (*(doors.keys() - CHANGES.keys()), *changes):
                for role, key in keys_by_role().items():
                    if opens(role, doors[door]):
                        before = await house.rows()
                        status = await house.knock(door, key)
                        changed = await house.rows() != before
                        if role == doors[door] or door not in CHANGES:
                            assert status // 100 == 2 or (door, status) == ("retry", 409), (door, role, status)
                            assert changed == house.changes(door), (door, role)
                        else:
                            assert status not in {401, 403}, (door, role)

    asyncio.run(knocking())


@every_service
def test_a_foreign_object_is_not_there_and_nothing_changes(house: House, name: str) -> None:
    """Whoever may do everything names a thing of another service where one of this is meant."""

    async def knocking() -> None:
        async with house.opened():
            before = await house.rows()
            foreign = {each: str(uuid4()) for each in house.named if each.endswith("_id") or each == "letter"}
            for door, who in doors_of(name).items():
                named_in_path = [each for each in foreign if f"{{{each}}}" in house.path(door)]
                if named_in_path and door not in KNOWS_ALL:
                    key = keys_by_role()["service" if who == "service" else "admin"]
                    answer = await house.knock(door, key, house.named | {each: foreign[each] for each in named_in_path})
                    assert (door, answer) == (door, 404)
            assert await house.rows() == before

    asyncio.run(knocking())
