"""All five services in one process, on databases of their own; records go from log to consumer by hand."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from chassis.consume.intake import work_off
from chassis.consume.jobs import do_pages
from chassis.consume.progress import read_progress
from chassis.consume.retry import retry_parked
from chassis.consume.subscription import Subscription
from chassis.consume.timers import fire_due
from chassis.database import Database
from chassis.events.log import read_log
from chassis.run.settings import Settings
from chassis.run.start import seed
from chassis.service import Service
from chassis.testing import dsn_of, new_database
from chassis.web.app import build_app
from chassis.web.keys import KeyReader, new_signing_key, public_keys, sign_key
from klientela.proof.verify import all_services


class OneService:
    """A service with its database and its API."""

    def __init__(self, service: Service, dsn: str, settings: Settings, private: str) -> None:
        self.service, self.dsn = service, dsn
        self.database = Database(dsn, size=4)
        self.subscription = Subscription(self.database, service)
        self.app = build_app(service, self.database, KeyReader(public_keys(private)), settings)


class SuiteInProcess:
    """Everything the services do, one step after the other, until nothing is left to do."""

    def __init__(self, databases: dict[str, str], folder: Path) -> None:
        private = new_signing_key()
        (folder / "signing-key.json").write_text(private)
        (folder / "public-keys.json").write_text(public_keys(private))
        settings = Settings(public_keys=folder / "public-keys.json", signing_key=folder / "signing-key.json")
        self.databases = databases
        self.key = sign_key(private, role="admin", name="first operator")
        self.services = {
            service.name: OneService(service, databases[service.name], settings, private) for service in all_services()
        }

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["SuiteInProcess"]:
        """Open the databases and put in what services put in at their start."""
        for one in self.services.values():
            await one.database.open()
            await seed(one.database, one.service)
        try:
            yield self
        finally:
            for one in self.services.values():
                await one.database.close()

    async def ask(self, method: str, service: str, path: str, *, expect: int = 200, **more: Any) -> Any:
        """Ask a service's API as the first operator."""
        transport = httpx.ASGITransport(app=self.services[service].app, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {self.key}"} | more.pop("headers", {})
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{service}", headers=headers) as api:
            answer = await api.request(method, path, **more)
        assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def webhook(self, address: str, secret: str, body: bytes) -> None:
        """Deliver a shop's webhook as the shop signs it."""
        signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
        headers = {
            "X-WC-Webhook-Signature": signature,
            "X-WC-Webhook-Topic": "order.updated",
            "Content-Type": "application/json",
            "Authorization": "",
        }
        path = "/v1/" + address.partition("/v1/")[2]
        await self.ask("POST", "orders", path, content=body, headers=headers)

    async def settle(self, *, ahead: timedelta | None = None) -> None:
        """Go on until nothing is on its way; ``ahead`` moves the time of all services before."""
        for one in self.services.values():
            if ahead is not None:
                await one.database.pool.execute("update chassis.clock set ahead = $1", ahead)
        while any([await self._step(one) for one in self.services.values()]):
            pass
        for one in self.services.values():
            await one.database.pool.execute(
                "update chassis.cursors c set sequence = head from chassis.counters h where h.lane = c.lane"
            )

    async def _step(self, one: OneService) -> bool:
        moved = bool(one.service.parsers and await work_off(one.database, one.service))
        moved |= bool(await fire_due(one.database, one.service))
        moved |= bool(await do_pages(one.database, one.service))
        for source in one.service.sources():
            moved |= await self._hear(one, source)
        return moved | bool(await retry_parked(one.database, one.service))

    async def _hear(self, one: OneService, source: str) -> bool:
        async with one.database.pool.acquire() as connection:
            progress = await read_progress(connection, "main", source)
        async with self.services[source].database.pool.acquire() as connection:
            log = await read_log(connection, source)
        records = [record for record in log if record.position > progress[record.lane]]
        assert not await one.subscription.apply(source, records)
        return bool(records)


async def new_databases() -> dict[str, str]:
    """Make a migrated database for each service; return their DSNs by the services' names."""
    return {service.name: dsn_of(await new_database(service)) for service in all_services()}
