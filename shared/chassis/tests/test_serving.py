"""A process as it is served has the limits that are promised: they are not only there, they are switched on."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn

from chassis.run import serve
from chassis.run.settings import Settings
from chassis.testing import Bench, dsn_of
from chassis.web import app, limits
from shared.chassis.tests.conftest import CLIENT, till_service

MOST, LARGEST, LONGEST = 3, 1_000, 1.0


@pytest.fixture
async def started(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a server is given by a process on the bench's database, whose limits are low."""
    told = {
        "TILL_DATABASE": dsn_of(await bench.database.pool.fetchval("select current_database()")),
        "PUBLIC_KEYS": str(bench._settings.public_keys), "MIGRATE": "false", "REQUESTS_PER_SECOND": "0.1",
    }  # fmt: skip
    for name, value in told.items():
        monkeypatch.setenv(f"KLIENTELA_{name}", value)
    given: dict[str, Any] = {}
    monkeypatch.setattr(uvicorn, "run", lambda application, **how: given.update(how, app=application))
    monkeypatch.setattr(serve, "load_service", lambda _: till_service)
    monkeypatch.setattr(serve, "configure_logs", lambda *_: None)
    monkeypatch.setattr(serve, "MOST_AT_ONCE", MOST)
    monkeypatch.setattr(app, "LARGEST_BODY", LARGEST)
    monkeypatch.setattr(app, "LONGEST_REQUEST", LONGEST)
    serve.serve("till", ["api"])
    return given


@asynccontextmanager
async def served(given: dict[str, Any]) -> AsyncIterator[int]:
    """Serve what was given to a server; give the port."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(**given))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        await task


async def test_a_served_process_has_its_limits(bench: Bench, started: dict[str, Any]) -> None:
    async with served(started) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as api:

        async def ask(role: str, path: str, **more: Any) -> tuple[int, str]:
            headers = {"Authorization": f"Bearer {keys[role]}"}
            answer = await api.request("POST" if more else "GET", path, headers=headers, **more)
            return answer.status_code, answer.json()["type"].rpartition("/")[2] if answer.is_error else ""

        keys = {role: bench.key(role) for role in ("viewer", "operator")}
        assert await ask("operator", "/v1/notes", json={"text": "x" * LARGEST}) == (413, "body-too-large")
        answers = [await ask("viewer", "/v1/notes") for _ in range(3)]
        assert (answers[0], answers[-1]) == ((200, ""), (429, "too-many-requests"))
        async with bench.database.pool.acquire() as connection, connection.transaction():
            await connection.execute("lock table till")
            assert await ask("operator", f"/v1/tills/{CLIENT}/pay", json={}) == (503, "too-slow")
        others = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MOST - 1)]
        assert (await api.get("/health/live")).status_code == 503
        for _, writer in others:
            writer.close()
            await writer.wait_closed()


def test_the_limits_are_those_that_are_told() -> None:
    a_second = Settings.model_fields["requests_per_second"].default
    told = (serve.MOST_AT_ONCE, limits.LARGEST_BODY, limits.LONGEST_REQUEST, a_second)
    assert told == (1_000, 4 * 1024 * 1024, 60, 100)
