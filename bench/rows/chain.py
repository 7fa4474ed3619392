"""The whole chain: the CPU that one order costs all processes until nothing is left to do.

Every order is new, and of a new firm: it makes a client, is placed, assigned and paid, brings points and with them
silver, and a rule gives its client the status of a regular. Every tenth sells a device, whose service a person then
opens and completes eleven months ago: its timer goes off, and a rule makes a task and an opportunity. Counted are the
services, PostgreSQL and Kafka, each with all below it, until all is at rest; not this process, which is the channel and
the person. What the same processes spend in as long a time at rest is told, and *not* taken off.

The floor copies the rows of such a lap into the same tables of five empty databases, with their indexes and without
looking at foreign keys. Of rows that were changed in place, and of Kafka, it does nothing. Counted are PostgreSQL and
this process, which has the rows in its hands.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import asyncpg
import psutil

from bench.at_work import Suite, at_work
from bench.race import Lap, Race, Row
from bench.recorded import rows_of
from bench.roads import Road, by_import, by_kafka, by_webhook, service_devices
from bench.rows.consumers import Added, added
from bench.stopwatch import Meter
from bench.track import Track
from tests.rig import SERVICES
from tests.shop import ShopOrder

ORDERS = 3_000
COPIED_AT_ONCE = 500
"""Orders whose rows the floor copies in one transaction of each service."""
IDLE = 10
"""Seconds at rest that are measured."""
DONE = {
    "clients": "select count(*), (select count(*) * 10 from tasks) from clients where status = 'Stálý odběratel'",
    "orders": "select count(*), (select count(*) * 10 from opportunities) from orders where paid_announced",
    "service-desk": "select count(*) * 10 from devices where last_service_at is not null and notice_at is null",
    "loyalty": "select count(*), (select count(*) from entries) from accounts where tier = 'silver'",
    "automation": "select count(*) from client_facts where paid_orders = 1 and status = 'Stálý odběratel'",
}
"""How many orders have had their effects, as each service tells."""


class Unfinished(Exception):
    """A suite at rest has not done all of what there was to do, or has done more."""


class Chain:
    """A suite at work, and the road by which it gets orders."""

    def __init__(self, suite: Suite, road: Road) -> None:
        """Name both."""
        self.suite, self._road = suite, road
        self._rows: dict[str, Added] = {}
        self._idle, self._sent = 0.0, 0

    async def warm_up(self) -> None:
        """Measure what rest costs, and keep the rows of a first lap for the floor."""
        meter = self.suite.meter()
        await asyncio.sleep(IDLE)
        self._idle = sum(meter.spent().values()) / meter.seconds
        before = await self._rows_now()
        await self.ours()
        self._rows = {name: added(after, before[name]) for name, after in (await self._rows_now()).items()}

    async def ours(self) -> Lap:
        """Take in orders, work on the devices that they sold, until all is at rest."""
        orders = self.suite.orders(ORDERS)
        meter = self.suite.meter()
        await self._road(orders)
        await self.suite.at_rest()
        chain, seconds = sum(meter.spent().values()), meter.seconds
        await service_devices(self.suite)
        await self.suite.at_rest()
        spent, told = meter.spent(), {"idle": self._idle * meter.seconds}
        told["reminders"] = sum(spent.values()) - chain
        await self._check(orders)
        return _lap(spent, told, ORDERS / seconds)

    async def floor(self) -> Lap:
        """Copy the rows."""
        async with AsyncExitStack() as stack:
            pools = {}
            for name in SERVICES:
                dsn = await stack.enter_async_context(self.suite.servers.tables_of(name))
                pool = asyncpg.create_pool(
                    dsn, min_size=1, max_size=1, server_settings={"session_replication_role": "replica"}
                )
                pools[name] = await stack.enter_async_context(pool)
            meter = Meter({"PostgreSQL": self.suite.servers.postgres.process, "this process": psutil.Process()})
            for start in range(0, ORDERS, COPIED_AT_ONCE):
                await asyncio.gather(*(self._copy(name, pool, start) for name, pool in pools.items()))
            return _lap(meter.spent(), {}, ORDERS / meter.seconds)

    async def _copy(self, service: str, pool: "asyncpg.Pool[asyncpg.Record]", start: int) -> None:
        async with pool.acquire() as connection, connection.transaction():
            for table, rows in self._rows[service].items():
                first, last = (len(rows) * n // ORDERS for n in (start, start + COPIED_AT_ONCE))
                schema, name = table.split(".")
                await connection.copy_records_to_table(name, schema_name=schema, records=rows[first:last])

    async def _rows_now(self) -> dict[str, Added]:
        return {name: await rows_of(self.suite.rig.dsn(name)) for name in SERVICES}

    async def _check(self, orders: Sequence[ShopOrder]) -> None:
        """Raise Unfinished unless each order ever sent has had each of its effects once."""
        self._sent += len(orders)
        for name, sql in DONE.items():
            found = tuple(await self.suite.looking[name].fetchrow(sql) or ())
            if set(found) != {self._sent}:
                message = f"{name} has done {found} of {self._sent} orders"
                raise Unfinished(message)


def _lap(spent: Mapping[str, float], told: Mapping[str, float], rate: float) -> Lap:
    """Return a lap of ORDERS, whose figure is what one cost all processes in milliseconds, and which tells of what."""
    also = {name: seconds / ORDERS * 1e3 for name, seconds in {**spent, **told}.items()}
    return Lap(sum(spent.values()) / ORDERS * 1e3, also=(*also.items(), ("orders/s", rate)))


@asynccontextmanager
async def open_chain(road: Callable[[Suite], Awaitable[Road]], track: Track) -> AsyncIterator[Race]:
    """Start a suite and let it work once."""
    async with at_work(await track.servers()) as suite:
        race = Chain(suite, await road(suite))
        await race.warm_up()
        yield race


def row(name: str, way: str, road: Callable[[Suite], Awaitable[Road]], bar: float) -> Row:
    """Return the row of a road."""
    return Row(
        f"chain-{name}",
        f"CPU of all processes for an order that came by {way}, until all is done",
        "COPY of the same rows into the same tables",
        "ms/order",
        bar,
        least=False,
        open=partial(open_chain, road),
        by="alone",
    )


ROWS = (
    row("kafka", "Kafka", by_kafka, 2),
    row("import", "import", by_import, 2),
    row("webhook", "webhook", by_webhook, 4),
)
