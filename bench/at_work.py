"""A suite at work: five real services on the servers of the run, which nobody stops while a row races them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count, islice
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg

from bench.posting import post
from bench.recorded import AT_REST
from bench.servers import Servers
from bench.stopwatch import Meter, Spent
from chassis.web.keys import sign_key
from tests.faults.load import Load
from tests.rig import SERVICES, Rig
from tests.rig import Servers as Addresses
from tests.shop import ShopOrder, ico_of, signature

SILVER = 30_000
"""What a firm has to spend for the tier."""
HURRY = "KLIENTELA_HEADS_EVERY"
"""By which tests have services ask each other five times as often as `up` does."""
LOOKED_AT_EVERY = 0.5
HEADS = "select sum(head) from chassis.counters"


@dataclass
class Suite:
    """Its rig, its load with three channels open, and a connection to each database for who wants to look."""

    servers: Servers
    rig: Rig
    load: Load
    looking: dict[str, "asyncpg.Connection[asyncpg.Record]"]
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def orders(self, number: int, total: int = SILVER, firms: Sequence[str] = ()) -> list[ShopOrder]:
        """Return orders that nobody knew, of these firms or each of a new one; every tenth is of a device."""
        return [
            ShopOrder(
                number=1_000_000 + n,
                total=Decimal(total + n % 1_000),
                ico=firms[n % len(firms)] if firms else ico_of(2_000_000 + n),
                sku="FILTR" if n % 10 else "K-1",
            )
            for n in islice(self._numbers, number)
        ]

    def webhook(self, order: ShopOrder) -> bytes:
        """Return the whole request by which the shop tells of an order."""
        body, shop = order.body(), self.load.shop
        signed = {"X-WC-Webhook-Topic": "order.updated", "X-WC-Webhook-Signature": signature(body, shop.secret)}
        return post(shop.path, body, signed)

    def base(self, service: str) -> str:
        """Return where a service is."""
        return self.rig.processes[service].base

    def key(self) -> dict[str, str]:
        """Return the header of an operator with a new key, whose rate nobody has used up."""
        return {"Authorization": f"Bearer {sign_key(self.rig.private, role='operator', name='bench')}"}

    def meter(self) -> Meter:
        """Count the CPU of all processes from now on: the services and both servers, not this one."""
        services = {name: process.process for name, process in self.rig.processes.items()}
        return Meter({**services, **self.servers.processes})

    async def at_rest(self, meter: Meter | None = None) -> Spent:
        """Wait until nothing is left to do; return what a meter had counted when that was so first.

        It is looked whether logs still grow, twice a second, before it is asked in earnest, which costs the servers
        more and counts as nobody's work.
        """
        meter = meter or self.meter()
        before: Sequence[int] = ()
        async with asyncio.timeout(AT_REST):
            while True:
                heads, spent = await self._heads(), meter.spent()
                if heads == before and not await self.rig.behind():
                    break
                before = heads
                await asyncio.sleep(LOOKED_AT_EVERY)
        await self.rig.settle(AT_REST)
        return spent

    async def _heads(self) -> list[int]:
        return [await connection.fetchval(HEADS) for connection in self.looking.values()]


@asynccontextmanager
async def at_work(servers: Servers) -> AsyncIterator[Suite]:
    """Start a suite with databases and topics of its own; what it leaves is dropped afterwards."""
    with TemporaryDirectory(prefix="klientela-bench-") as folder:
        async with AsyncExitStack() as stack:
            rig = Rig(Path(folder), SERVICES, Addresses(servers.postgres.dsn, servers.kafka.bootstrap))
            for process in rig.processes.values():
                process.environment = {name: value for name, value in process.environment.items() if name != HURRY}
            stack.push_async_callback(rig.stop)
            await rig.start()
            load = Load(rig)
            stack.push_async_callback(load.close)
            await load.open()
            looking = {}
            for name in SERVICES:
                looking[name] = await asyncpg.connect(rig.dsn(name))
                stack.callback(looking[name].terminate)
            suite = Suite(servers, rig, load, looking)
            await suite.at_rest()
            yield suite
