"""The real services as processes on a real PostgreSQL and a real Kafka, with databases and topics of their own."""

import asyncio
import os
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import asyncpg
import httpx
import psutil
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from chassis.database import run_formatted
from chassis.run.topics import ensure_topics
from chassis.testing import server_dsn
from chassis.web.keys import new_signing_key, public_keys, sign_key
from klientela.ports import free_ports
from klientela.processes import Launch, ManagedProcess
from klientela.services import is_ready

PROJECT = Path(__file__).resolve().parents[1]
SERVICES = ("clients", "orders", "service-desk", "loyalty", "automation")
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of services, which speak HTTP: reading the system's certificates takes 30 ms of CPU for each client."""


def kafka_bootstrap() -> str:
    """Return the test broker's address, or skip with the way to get one."""
    bootstrap = os.environ.get("KLIENTELA_TEST_KAFKA")
    if not bootstrap:
        pytest.skip("KLIENTELA_TEST_KAFKA is not set: run the tests with ./klientela test")
    return bootstrap


def variable(service: str, what: str) -> str:
    return f"KLIENTELA_{service.replace('-', '_').upper()}_{what}"


class Servers(NamedTuple):
    """Where PostgreSQL and Kafka are: the test run's own unless a test has some for itself."""

    postgres: str
    kafka: str


class ServiceUnderTest(ManagedProcess):
    """One service process; ``fault`` is where it shall be killed or stopped (see chassis.points)."""

    patience = 10.0

    def __init__(self, service: str, port: int, environment: Mapping[str, str], folder: Path) -> None:
        super().__init__(service, log=folder / f"{service}.log", record=folder / "run" / f"{service}-{port}.json")
        self.service, self.port, self.environment = service, port, environment
        self.fault, self.roles, self.module = "", "api,consume,relay", "chassis"

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def launch(self) -> Launch:
        mine = {"KLIENTELA_PORT": str(self.port), "KLIENTELA_FAULT": self.fault, "PATH": os.defpath}
        arguments = [sys.executable, "-m", self.module, "serve", self.service, "--roles", self.roles]
        path = os.pathsep.join(filter(None, (str(PROJECT), os.environ.get("PYTHONPATH"))))  # a twin's sources, if any
        return Launch(arguments, {"PYTHONPATH": path, **self.environment, **mine})

    def answers(self) -> bool:
        return is_ready(self.port)

    async def frozen(self, patience: float = 90) -> None:
        """Wait until it has stopped itself at its fault. Raises TimeoutError, and Refusal where it ended."""

        async def stopped() -> bool:
            return self.process.status() == psutil.STATUS_STOPPED

        await until(stopped, patience)


class Rig:
    """Starts services, kills them, asks them, and waits until they have nothing left to do."""

    def __init__(self, folder: Path, services: Sequence[str], servers: Servers | None = None) -> None:
        self.folder, self.names = folder, tuple(services)
        self.private = new_signing_key()
        self.prefix = f"t{uuid4().hex[:8]}."
        self.server, self.bootstrap = servers or Servers(server_dsn(), kafka_bootstrap())
        self.databases = {name: f"{self.prefix[:-1]}_{name.replace('-', '_')}" for name in SERVICES}
        self.ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
        self.processes = {name: self.member(name, self.ports[name]) for name in self.names}
        self._pools: dict[str, asyncpg.Pool[asyncpg.Record]] = {}

    def member(self, name: str, port: int) -> ServiceUnderTest:
        """Return a process of a service, not yet started; a second one of a name shares its database and group."""
        return ServiceUnderTest(name, port, self._environment(), self.folder)

    def _environment(self) -> dict[str, str]:
        for file, text in (
            ("public.json", public_keys(self.private)),
            ("private.json", self.private),
            ("service", sign_key(self.private, role="service", name="services")),
        ):
            (self.folder / file).write_text(text)
        common = {
            "KLIENTELA_KAFKA": self.bootstrap,
            "KLIENTELA_TOPIC_PREFIX": self.prefix,
            "KLIENTELA_PUBLIC_KEYS": str(self.folder / "public.json"),
            "KLIENTELA_SIGNING_KEY": str(self.folder / "private.json"),
            "KLIENTELA_SERVICE_KEY": str(self.folder / "service"),
            "KLIENTELA_HEADS_EVERY": "2",
        }
        for name in SERVICES:
            common[variable(name, "DATABASE")] = self.dsn(name)
            common[variable(name, "URL")] = f"http://127.0.0.1:{self.ports[name]}"
        return common

    def dsn(self, name: str) -> str:
        return f"{self.server.rsplit('/', 1)[0]}/{self.databases[name]}"

    async def start(self) -> None:
        """Make the databases and start all services, side by side."""
        for name in self.names:
            await self.create(name)
            self._pools[name] = await _pool_of(self.dsn(name))
        await self.make_topics()
        await asyncio.gather(*(asyncio.to_thread(process.start) for process in self.processes.values()))

    async def make_topics(self) -> None:
        """Make the topics of all owners, those too whose service does not run here."""
        await ensure_topics(self.bootstrap, [self.prefix + name for name in (*SERVICES, "intake.orders")], 12, 1)

    async def drop_topics(self) -> None:
        """Delete all topics of this suite and wait until they are gone."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap, request_timeout_ms=10_000)
        try:
            await admin.start()
            mine = [topic for topic in await admin.list_topics() if topic.startswith(self.prefix)]
            await admin.delete_topics(mine)

            async def gone() -> bool:
                return not set(mine) & set(await admin.list_topics())

            await until(gone)
        finally:
            await admin.close()

    async def stop(self) -> None:
        """Stop the services, drop their databases and topics: what they leave costs the servers of later tests."""
        await asyncio.gather(*(asyncio.to_thread(process.stop) for process in self.processes.values()))
        for pool in self._pools.values():
            pool.terminate()
        for name in self.names:
            await self.drop(name)
        with suppress(KafkaError, TimeoutError):  # a broker that a test has killed has nothing to drop
            await self.drop_topics()

    async def create(self, name: str) -> None:
        """Make a service's database."""
        await self.command("create database %I", name)

    async def drop(self, name: str) -> None:
        """Drop a service's database, whoever is still connected."""
        await self.command("drop database if exists %I with (force)", name)

    async def command(self, sql: str, name: str) -> None:
        """Run a command on a service's database from outside."""
        server = await asyncpg.connect(self.server)
        await run_formatted(server, sql, self.databases[name])
        await server.close()

    def api(self, name: str, role: str = "admin") -> httpx.AsyncClient:
        """Return a client of a service with a new key."""
        headers = {"Authorization": f"Bearer {sign_key(self.private, role=role, name='test')}"}
        base = f"http://127.0.0.1:{self.ports[name]}"
        return httpx.AsyncClient(base_url=base, headers=headers, timeout=10, trust_env=False, verify=NO_TLS)

    async def rows(self, name: str, sql: str, *args: object) -> list[asyncpg.Record]:
        """Run SQL in a service's database."""
        return await self._pools[name].fetch(sql, *args)

    async def settle(self, patience: float = 120) -> None:
        """Wait until nothing is left to do: intake empty, all published, all applied, twice the same."""
        seen: list[object] = [None]

        async def quiet() -> bool:
            seen.append(await self.standing())
            return seen[-1] == seen[-2] and not await self.behind()

        try:
            await until(quiet, patience)
        except TimeoutError:
            message = f"not quiet after {patience:.0f} s: {await self.behind()}"
            raise TimeoutError(message) from None

    async def standing(self) -> dict[str, list[asyncpg.Record]]:
        """Return the heads of all lanes, and under which incarnation they are."""
        sql = "select lane, head, incarnation from chassis.counters order by lane"
        return {name: await self.rows(name, sql) for name in self.names}

    async def behind(self) -> list[str]:
        """Name what is not yet done."""
        found: list[str] = []
        heads = {name: {row[0]: (row[2], row[1]) for row in rows} for name, rows in (await self.standing()).items()}
        for name in self.names:
            waiting = await self.rows(
                name,
                "select *, (select count(*) from chassis.counters join chassis.cursors using (lane)"
                " where head > sequence) unpublished from chassis.waiting",
            )
            found += [f"{name}: {count} {what}" for what, count in dict(waiting[0]).items() if count]
            progress = await self.rows(
                name,
                "select source, lane, incarnation, sequence from chassis.progress where subscription = 'main'",
            )
            found += [
                f"{name}: {source}/{lane} at {at} of {heads[source].get(lane)}"
                for source, lane, *at in progress
                if source in heads and tuple(at) != (head := heads[source].get(lane, (0, 0))) and (at[1] or head[1])
            ]
        return found


@asynccontextmanager
async def running(folder: Path, servers: Servers | None = None) -> AsyncIterator[Rig]:
    """Give all five services at work; what they leave is dropped afterwards, also if not all have started."""
    rig = Rig(folder, SERVICES, servers)
    try:
        await rig.start()
        yield rig
    finally:
        await rig.stop()


async def _pool_of(dsn: str) -> "asyncpg.Pool[asyncpg.Record]":
    """Return connections that live for a second: who waits for something asks again within, and no fault meets them."""
    return await asyncpg.create_pool(
        dsn, min_size=0, max_size=4, max_inactive_connection_lifetime=1, statement_cache_size=0
    )


async def until(condition: Callable[[], Awaitable[bool]], patience: float = 30, every: float = 0.05) -> None:
    """Wait for a condition with a deadline; one that costs much is looked at less often."""
    async with asyncio.timeout(patience):
        while not await condition():  # noqa: ASYNC110 - the condition is in other processes
            await asyncio.sleep(every)  # lint-skip: sleep other processes give no signal but their rows
