"""The load under which faults strike: shops, a producer and operators, who all try again until they are heard."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from tests.faults.inputs import Inputs
from tests.faults.operators import Operators
from tests.faults.producer import Producer, canonical
from tests.rig import Rig
from tests.shop import Shop, ShopOrder, ico_of

PATIENCE = 240
"""Seconds that somebody tries again."""
PACE, SLOW_PACE = 0.08, 0.25
SEVERAL, MANY = 4, 24
"""How many messages the producer writes before and after the others, and how many where Kafka loses some."""
FREE = 24
"""Operators have at least so many firms to choose from when a load begins."""
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
        self.shop, self._bulk = Shop(self.apis["orders"], ""), ""
        self.operators = Operators(self.ask, self.inputs)
        self._at_work = 0
        self.slowness = 1
        """How many times as long all pause once they are at work, and how much less they begin with."""
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

        With ``producing`` the producer has much to write before and after. Chance is of their own: who strikes beside
        them draws the same whatever they have drawn.
        """
        random = Random(random.getrandbits(64))
        if not self._at_work and len(self.operators.free) < FREE // self.slowness:
            await self._find_firms(random)
        over, flows = asyncio.Event(), asyncio.Event()
        self._at_work += 1
        try:
            async with asyncio.TaskGroup() as people:
                people.create_task(self._sell(random, flows, over))
                people.create_task(self._sell_in_bulk(random, over))
                people.create_task(self._sell_by_kafka(random, over, MANY if producing else SEVERAL))
                people.create_task(self.operators.work(random, self._bulk, over, SLOW_PACE * self.slowness))
                await flows.wait()
                try:
                    yield
                finally:
                    over.set()
        finally:
            self._at_work -= 1

    async def sell_one(self, total: Decimal) -> None:
        """One order of a new firm, of just this total."""
        await self._send(ShopOrder(next(self._numbers), total, ico_of(next(self._firms))))

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

    async def _sell(self, random: Random, flows: asyncio.Event, over: asyncio.Event) -> None:
        """Sell until it is over, a dozen at least: large orders, halves given back, refunds before their payment."""
        firms = [ico_of(next(self._firms)) for _ in range(6)]
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
            await asyncio.sleep(PACE * (self.slowness if n >= 12 else 1))  # lint-skip: sleep the pace of a shop

    async def _sell_in_bulk(self, random: Random, over: asyncio.Event) -> None:
        """A batch of two dozen firms, and one of a few every second until it is over."""
        await self._import(random, 24 // self.slowness)
        while not over.is_set():
            await self._import(random, 4)
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), self.slowness)

    async def _import(self, random: Random, number: int) -> list[ShopOrder]:
        orders = [self._order(random) for _ in range(number)]
        self.inputs.sent += orders
        said = {"orders": [canonical(order) for order in orders]}
        await self.ask("orders", "POST", f"/v1/channels/{self._bulk}/orders", said)
        return orders

    async def _find_firms(self, random: Random) -> None:
        """Sell to many firms, and wait until all is done with them: operators then have somebody to work on."""
        icos = [order.ico for order in await self._import(random, FREE * 2 // self.slowness)]
        async with asyncio.timeout(PATIENCE):
            while not await self._all_done(icos):
                await asyncio.sleep(PACE)  # lint-skip: sleep the rows of other processes give no signal
        self.operators.free += icos

    async def _all_done(self, icos: list[str]) -> bool:
        """Say whether firms have what comes of a first order: the status of a regular, and a device."""
        regulars = "select id from clients where ico = any($1) and status = 'Stálý odběratel'"
        clients = [row["id"] for row in await self.rig.rows("clients", regulars, icos)]
        owners = "select count(distinct client_id) from devices where client_id = any($1)"
        ((with_devices,),) = await self.rig.rows("service-desk", owners, clients)
        return bool(len(clients) == with_devices == len(icos))

    async def _sell_by_kafka(self, random: Random, over: asyncio.Event, around: int) -> None:
        """Some messages, then one after the other until it is over, and as many more."""
        ended = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.producer.write(ended))
            self._give_producer(random, around)
            while not over.is_set():
                await asyncio.sleep(SLOW_PACE * self.slowness)  # lint-skip: sleep the pace of a producer
                self._give_producer(random, 1)
            self._give_producer(random, around)
            ended.set()

    def _give_producer(self, random: Random, number: int) -> None:
        orders = [self._order(random) for _ in range(number)]
        self.inputs.sent += orders
        self.producer.give(orders)

    def _order(self, random: Random) -> ShopOrder:
        return ShopOrder(next(self._numbers), Decimal(random.randint(100, 9_000)), ico_of(next(self._firms)))
