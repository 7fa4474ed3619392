"""The load under which faults strike: shops, a producer and operators, who all try again until they are heard."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from tests.faults.inputs import NOBODY, Inputs
from tests.faults.producer import Producer, canonical
from tests.rig import Rig
from tests.shop import Shop, ShopOrder, ico_of

PATIENCE = 240
"""Seconds that somebody tries again."""
PACE, SLOW_PACE = 0.08, 0.25
SEVERAL, MANY = 4, 24
"""How many messages the producer writes, and how many before and after the others if it does so all the time."""
DEVICE = {
    "name": "Kávovar",
    "price": {"amount": "1000", "currency": "CZK"},
    "device": {"model": "K-1", "warranty_months": 24, "service_months": 12, "service_hours": 1000},
    "service_package": "SERVIS",
}


class Load:
    """One suite's shops and operators; ``inputs`` has all they have said."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.inputs = rig, Inputs()
        self.apis = {name: rig.api(name) for name in rig.names}
        self._numbers, self._firms = count(1), count(1_000_000)
        self._earlier: list[str] = []
        self._latest: list[str] = []
        self.shop, self._bulk = Shop(self.apis["orders"], ""), ""
        self.producer = Producer(rig, "", "")

    async def open(self) -> None:
        """Switch on clients of B2B orders, put a device into the catalogue, open three channels."""
        await self.ask("clients", "PUT", "/v1/settings/b2b-clients", {"create": True, "default_status": "Nový partner"})
        await self.ask("orders", "PUT", "/v1/products/K-1", DEVICE)
        self.shop = await Shop.open(self.apis["orders"])
        self._bulk = (await self.ask("orders", "POST", "/v1/channels", {"kind": "import", "name": "ERP"}))["id"]
        made = await self.ask("orders", "POST", "/v1/channels", {"kind": "kafka", "name": "EDI"})
        self.producer = Producer(self.rig, made["id"], made["token"])

    async def close(self) -> None:
        """Close the connections."""
        for api in self.apis.values():
            await api.aclose()

    @asynccontextmanager
    async def running(self, random: Random, *, producing: bool = False) -> AsyncIterator[None]:
        """Everybody is at work within; what they have begun is ended afterwards. Entered when the first were heard.

        With ``producing`` the producer is at work all the time.
        """
        over, flows = asyncio.Event(), asyncio.Event()
        firms = [ico_of(next(self._firms)) for _ in range(6)]
        earlier, self._earlier = self._earlier, []
        async with asyncio.TaskGroup() as people:
            people.create_task(self._sell(random, firms, flows, over))
            people.create_task(self._sell_in_bulk(random))
            people.create_task(self._sell_by_kafka(random, over, producing=producing))
            if earlier:
                people.create_task(self._operate(random, earlier))
            await flows.wait()
            try:
                yield
            finally:
                over.set()
        self._latest = firms

    async def sell_one(self, total: Decimal) -> None:
        """One order of a new firm, of just this total."""
        await self._send(ShopOrder(next(self._numbers), total, ico_of(next(self._firms))))

    def rested(self) -> None:
        """All that was sold has been done: operators may now work on it."""
        self._earlier = self._latest

    async def rush(self, random: Random) -> None:
        """Forty orders and a few operators, all at once, of a firm that nobody knew."""
        ico = ico_of(next(self._firms))
        card = {"name": "Nová firma", "kind": "company", "ico": ico}
        async with asyncio.TaskGroup() as people:
            for n in range(40):
                people.create_task(self._send(replace(self._order(random), ico=ico)))
                if n % 5 == 0:
                    people.create_task(self.apis["clients"].post("/v1/clients", json=card))

    async def probe(self) -> float:
        """Send an order of a new firm; return how many seconds it took until it had its points in loyalty."""
        order = ShopOrder(number=next(self._numbers), total=Decimal(10), ico=ico_of(next(self._firms)))
        began = asyncio.get_running_loop().time()
        await self._send(order)
        async with asyncio.timeout(PATIENCE):
            while not await self._has_points(order):
                await asyncio.sleep(0.05)  # lint-skip: sleep the rows of other processes give no signal
        return asyncio.get_running_loop().time() - began

    async def ask(self, service: str, method: str, path: str, body: object = None, **query: str) -> Any:
        """Ask a service until it answers; what it refuses is raised. A repeated request does nothing twice."""
        headers = {"Idempotency-Key": str(uuid4())} if method == "POST" else {}
        async with asyncio.timeout(PATIENCE):
            while True:
                with suppress(httpx.TransportError):
                    answer = await self.apis[service].request(method, path, json=body, params=query, headers=headers)
                    if answer.status_code < 500:
                        return answer.raise_for_status().json()
                await asyncio.sleep(PACE)  # lint-skip: sleep people try again by the clock

    async def _has_points(self, order: ShopOrder) -> bool:
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            found = await self.rig.rows("orders", "select id from orders where external_id = $1", str(order.number))
            booked = "select 1 from entries where order_id = any($1::uuid[])"
            return bool(await self.rig.rows("loyalty", booked, [row["id"] for row in found]))
        return False

    async def _send(self, order: ShopOrder) -> None:
        self.inputs.sent.append(order)
        await self.shop.send(order, patience=PATIENCE)

    async def _sell(self, random: Random, firms: list[str], flows: asyncio.Event, over: asyncio.Event) -> None:
        """Sell until it is over, a dozen at least: large orders, halves given back, refunds before their payment."""
        for n in count():
            if n >= 12 and over.is_set():
                return
            total = Decimal(60_000) if n % 12 == 7 else Decimal(random.randint(100, 9_000)) / 4
            order = ShopOrder(number=next(self._numbers), total=total, ico=firms[n % 6])
            told = [order]
            if n % 3 == 0:
                told.append(replace(order, refunded=order.total / 2, revision=1))
            if n % 4 == 1:
                told = [replace(order, refunded=order.total, status="refunded", revision=2), order]
            for revision in told:
                await self._send(revision)
            if n == 2:
                flows.set()
            await asyncio.sleep(PACE)  # lint-skip: sleep the pace of a shop

    async def _sell_in_bulk(self, random: Random) -> None:
        """One batch of two dozen firms, whose orders lie in as many lanes."""
        orders = [self._order(random) for _ in range(24)]
        self.inputs.sent += orders
        await self.ask(
            "orders", "POST", f"/v1/channels/{self._bulk}/orders", {"orders": [canonical(order) for order in orders]}
        )

    async def _sell_by_kafka(self, random: Random, over: asyncio.Event, *, producing: bool) -> None:
        """Four messages; or two dozen, one after the other until it is over, and two dozen more."""
        ended = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.producer.write(ended))
            self._give_producer(random, MANY if producing else SEVERAL)
            while producing and not over.is_set():
                await asyncio.sleep(SLOW_PACE)  # lint-skip: sleep the pace of a producer
                self._give_producer(random, 1)
            self._give_producer(random, MANY if producing else 0)
            ended.set()

    def _give_producer(self, random: Random, number: int) -> None:
        orders = [self._order(random) for _ in range(number)]
        self.inputs.sent += orders
        self.producer.give(orders)

    def _order(self, random: Random) -> ShopOrder:
        return ShopOrder(next(self._numbers), Decimal(random.randint(100, 9_000)), ico_of(next(self._firms)))

    async def _operate(self, random: Random, firms: list[str]) -> None:
        """Operators at work on firms of earlier: relink, unlink, a status, a programme, the service of a device."""
        clients = [await self._client(ico) for ico in firms[:4]]
        mine = [order.number for order in self.inputs.sent if order.ico == firms[0] and order.revision == 0]
        await self._assign(mine[0], firms[1], clients[1])
        if len(mine) > 1:
            await self._assign(mine[1], NOBODY, "")
        await self.ask("clients", "PUT", f"/v1/clients/{clients[2]}/status", {"status": "Klient se slevou"})
        self.inputs.statuses[firms[2]] = "Klient se slevou"
        others = {(3_000, 10_000), (200, 700), (50, 1_000)} - {(self.inputs.silver, self.inputs.gold)}
        self.inputs.silver, self.inputs.gold = random.choice(sorted(others))
        tiers = {"silver": self.inputs.silver, "gold": self.inputs.gold}
        await self.ask("loyalty", "PUT", "/v1/programme", {"rates": {"CZK": "10"}, "tiers": tiers})
        devices = (await self.ask("service-desk", "GET", "/v1/devices", client_id=clients[3]))["items"]
        for device in [each for each in devices if each["state"] == "active"][:2]:
            await self._service(device["id"])
            self.inputs.notices[firms[3]] += 1

    async def _client(self, ico: str) -> str:
        return str((await self.ask("clients", "GET", "/v1/clients", ico=ico))["items"][0]["id"])

    async def _assign(self, number: int, ico: str, client: str) -> None:
        """Give an order to a client, or to nobody."""
        wanted = {"channel_id": self.shop.channel, "external_id": str(number)}
        order = (await self.ask("orders", "GET", "/v1/orders", **wanted))["items"][0]["id"]
        method, body = ("PUT", {"client_id": client, "overwrite_billing": True}) if client else ("DELETE", None)
        await self.ask("orders", method, f"/v1/orders/{order}/client", body)
        self.inputs.moved[number] = ico

    async def _service(self, device: str) -> None:
        """Complete a service of a device eleven months ago, so that its next one is near."""
        job = await self.ask("service-desk", "POST", "/v1/service-orders", {"device_id": device, "title": "Prohlídka"})
        done = {"completed_at": (datetime.now(UTC) - timedelta(days=336)).isoformat()}
        await self.ask("service-desk", "POST", f"/v1/service-orders/{job['id']}/complete", done)
