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

import asyncpg

from bench.servers import Servers
from bench.share import scaled
from tests.faults.load import Load
from tests.rig import SERVICES, Rig
from tests.rig import Servers as Addresses
from tests.shop import ShopOrder, ico_of

ORDERS, FIRMS = scaled(12_000, 100), 3_000
AT_REST = 900.0
"""Seconds until a slow machine has done all of it."""


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


async def rows_of(dsn: str) -> dict[str, list[tuple[object, ...]]]:
    """Return the rows of all tables, by the tables' names as SQL has them; generated columns are left out."""
    connection = await asyncpg.connect(dsn)
    found = {
        table: [tuple(row) for row in await connection.fetch(statement)]
        for table, statement in await connection.fetch(TABLES)
    }
    await connection.close()
    return found


TABLES = """
    select format('%I.%I', n.nspname, c.relname), format('select %s from %I.%I',
        string_agg(format('%I', a.attname), ', ' order by a.attnum), n.nspname, c.relname)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
    where c.relkind in ('r', 'p') and not c.relispartition and a.attnum > 0 and not a.attisdropped
        and a.attgenerated = '' and n.nspname not in ('pg_catalog', 'information_schema')
    group by n.nspname, c.relname order by 1
"""
