"""A suite that has worked: what it had before, what came over its topics, and what every service made of it.

Five real services take in orders by Kafka until all is at rest. Then they are stopped; their topics stay.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from uuid import uuid4

from bench.servers import Servers, connection_to
from bench.share import scaled
from bench.tables import Unfinished, count_of, tables_of, undone_in
from tests.faults.load import Load
from tests.rig import SERVICES, Rig
from tests.rig import Servers as Addresses
from tests.shop import ShopOrder, ico_of

ORDERS, FIRMS = scaled(12_000, 100), 3_000
AT_REST = 900.0
"""Seconds until a slow machine has done all of it."""
OTHERWISE = {
    "": ("chassis.attempts", "chassis.intake", "chassis.outside"),
    "orders": ("chassis.events", "public.orders"),
}
"""Tables that come of how events were heard, or of what came from outside, and not of the events alone."""


class Recorded(NamedTuple):
    """What is left of the suite: its topics, and for each service a database as it was before the first order."""

    servers: Servers
    rig: Rig
    before: Mapping[str, str]

    @asynccontextmanager
    async def anew(self, service: str) -> AsyncIterator[str]:
        """Give the address of a database as the service's was before the first order; it is thrown away afterwards."""
        name = f"bench_{uuid4().hex[:8]}"
        await self.servers.copy(self.before[service], name)
        try:
            yield self.servers.dsn(name)
        finally:
            await self.servers.command("drop database %I with (force)", name)

    async def check(self, service: str, dsn: str) -> None:
        """Raise Unfinished unless a database has as many rows as the service itself made of the same events."""
        async with connection_to(self.rig.dsn(service)) as ours, connection_to(dsn) as theirs:
            otherwise = OTHERWISE[""] + OTHERWISE.get(service, ())
            tables = [table for table in await tables_of(theirs) if str(table) not in otherwise]
            made, has = await count_of(ours, tables), await count_of(theirs, tables)
            wrong = [f"{has[table]} of {n} rows of {table}" for table, n in made.items() if has[table] != n]
            wrong += [f"{count} {what}" for what, count in (await undone_in(theirs)).items()]
        if wrong:
            message = f"{service} has {', '.join(wrong)}"
            raise Unfinished(message)


@asynccontextmanager
async def record(servers: Servers) -> AsyncIterator[Recorded]:
    """Let a suite do its work, stop its services, and give what is left."""
    with TemporaryDirectory(prefix="klientela-bench-") as name:
        rig = Rig(Path(name), SERVICES, Addresses(servers.postgres.dsn, servers.kafka.bootstrap))
        try:
            await rig.start()
            before = await _work(servers, rig)
            yield Recorded(servers, rig, before)
        finally:
            await rig.stop()


async def _work(servers: Servers, rig: Rig) -> dict[str, str]:
    load = Load(rig)
    try:
        await load.open()
        await rig.settle()
        await _stop(rig)
        before = {service: f"{rig.databases[service]}_before" for service in SERVICES}
        for service, copy in before.items():
            await servers.copy(rig.databases[service], copy)
        await asyncio.gather(*(asyncio.to_thread(process.start) for process in rig.processes.values()))
        load.producer.give(order(number) for number in range(ORDERS))
        all_given = asyncio.Event()
        all_given.set()
        await load.producer.write(all_given)
        await rig.settle(AT_REST)
        await _stop(rig)
    finally:
        await load.close()
    return before


async def _stop(rig: Rig) -> None:
    await asyncio.gather(*(asyncio.to_thread(process.stop) for process in rig.processes.values()))


def order(number: int) -> ShopOrder:
    """Return an order of one of the firms, of a device in every tenth."""
    sku = "K-1" if number % 10 == 0 else "FILTR"
    return ShopOrder(1_000_000 + number, Decimal(200 + number % 4_000), ico_of(2_000_000 + number % FIRMS), sku=sku)
