"""One service on a copy of the told suite, knocked at by whoever: each door by its name, with what it may name."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import Route

from chassis.consume.kept import keep
from chassis.events.log import read_log
from chassis.run.settings import Settings
from chassis.web.keys import new_signing_key, sign_key
from klientela.proof.verify import all_services
from tests.e2e.asking import rows_of_tables
from tests.verify.conftest import Told
from tests.verify.doors import CHANGES, IDS, QUERIES, ROLES
from tests.verify.suite_in_process import OneService

SERVICES = {service.name: service for service in all_services()}
every_service = pytest.mark.parametrize("name", SERVICES)
PRIVATE = new_signing_key()
REVOKED = UUID(int=7)


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


class Unread(httpx.AsyncByteStream):
    """A body that must not be read."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield pytest.fail("a body was read")


class House:
    """One service on a copy of the told suite, and everything that a path or a body may name."""

    def __init__(self, told: Told, name: str, dsn: str, folder: Path) -> None:
        signing_key = folder / "signing-key.json"
        signing_key.write_text(PRIVATE)
        settings = Settings(signing_key=signing_key, public_keys=folder / "public-keys.json")
        self.one = OneService(SERVICES[name], dsn, settings, PRIVATE)
        self.name, self.story, self.dsn = name, told.story, dsn
        self.named: dict[str, str] = {}
        routes = (each.original_route for each in iter_route_contexts(self.one.app.routes))
        self.routes = {route.name: route for route in routes if isinstance(route, APIRoute | Route)}

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
        return self.routes[door].path.replace(":path}", "}")

    def changes(self, door: str) -> bool:
        """Tell whether a door leads to a change; a service whose subjects have no copies has nothing to tell anew."""
        return door in CHANGES and (door != "restate" or bool(self.one.service.restates))

    async def knock(self, door: str, key: str, named: dict[str, str] | None = None) -> int:
        """Ask at a door as its change is asked for; return the status of the answer."""
        return (await self.ask(door, key, named)).status_code

    async def ask(self, door: str, key: str, named: dict[str, str] | None = None) -> httpx.Response:
        """Ask at a door as its change is asked for."""
        named = named or self.named
        body = CHANGES.get(door)
        for name, said in named.items():
            body = json.loads(json.dumps(body).replace(f'"{{{name}}}"', json.dumps(said)))
        query = {name: named[name] for name in QUERIES.get(door, ())}
        transport = httpx.ASGITransport(app=self.one.app, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": uuid4().hex} if key else {}
        async with httpx.AsyncClient(transport=transport, base_url="http://suite", headers=headers) as api:
            answer = await api.request(self.method(door), self.path(door).format_map(named), json=body, params=query)
        assert answer.status_code < 500, (door, answer.text)
        return answer

    async def knock_unheard(self, door: str, key: str) -> int:
        """Ask at a door with a body that must not be read; return the status of the answer."""
        request = httpx.Request(
            self.method(door), f"http://suite{self.path(door).format_map(self.named)}", stream=Unread(),
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )  # fmt: skip
        return (await httpx.ASGITransport(app=self.one.app).handle_async_request(request)).status_code

    def method(self, door: str) -> str:
        (method,) = (self.routes[door].methods or set()) - {"HEAD"}
        return method

    async def rows(self) -> dict[str, list[bytes]]:
        """Return every row of every table."""
        return await rows_of_tables(self.connection, without=())
