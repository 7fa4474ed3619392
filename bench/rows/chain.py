"""The whole chain: the CPU that one order costs all processes until nothing is left to do.

Every order is new, and of a new firm: it makes a client, is placed, assigned and paid, brings points and with them
silver, and a rule gives its client the status of a regular. Counted are the services, PostgreSQL and Kafka, each with
all below it, from the first order until all is at rest; not this process, which is the channel. What the same processes
spend in as long a time at rest is told, and *not* taken off.

Every tenth order sells a device, whose service a person then opens and completes eleven months ago: its timer goes off,
and a rule makes a task and an opportunity. What that costs for each order is told beside it.

The floor copies the rows of such a chain into the same tables of five empty databases, with their indexes and without
looking at foreign keys. Of rows that were changed in place, and of Kafka, it does nothing. Counted are PostgreSQL and
this process, which has the rows in its hands.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import asyncpg

from bench.at_work import Suite, at_work
from bench.race import Lap, Race, Row
from bench.roads import Road, by_import, by_kafka, by_webhook, service_devices
from bench.servers import pool_of
from bench.share import say, scaled, unit
from bench.stopwatch import ALONE, Meter, Spent
from bench.tables import Added, Unfinished, added, copy_part, rows_of
from bench.track import Track
from tests.rig import SERVICES

COPIED_AT_ONCE = 500
"""Orders whose rows the floor copies in one transaction of each service."""
ORDERS = scaled(3_000, COPIED_AT_ONCE)
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
        self._idle = meter.spent().total / meter.seconds
        before = await self._rows_now()
        await self._work()
        for name, after in (await self._rows_now()).items():
            self._rows[name], left_out = added(after, before[name])
            say(f"chain: of {name} the floor copies nothing of {', '.join(left_out) or 'no table'}")
        await self._remind()

    async def ours(self) -> Lap:
        """Take in orders, then work on the devices that they sold."""
        chain = await self._work()
        reminders = await self._remind()
        return _lap(chain, idle=self._idle * chain.seconds, reminders=reminders.total)

    async def _work(self) -> Spent:
        """Take in orders until all is at rest."""
        orders = self.suite.orders(ORDERS)
        meter = self.suite.meter()
        await self._road(orders)
        self._sent += len(orders)
        return await self.suite.at_rest(meter)

    async def _remind(self) -> Spent:
        """Service devices until all is at rest. Raises Unfinished."""
        meter = self.suite.meter()
        await service_devices(self.suite)
        spent = await self.suite.at_rest(meter)
        await self._check()
        return spent

    async def floor(self) -> Lap:
        """Copy the rows."""
        async with AsyncExitStack() as stack:
            pools = {}
            for name in SERVICES:
                dsn = await stack.enter_async_context(self.suite.servers.tables_of(name))
                pools[name] = await stack.enter_async_context(pool_of(dsn, 1, 1, session_replication_role="replica"))
            meter = Meter({**ALONE, "PostgreSQL": self.suite.servers.postgres.process})
            for start in range(0, ORDERS, COPIED_AT_ONCE):
                await asyncio.gather(*(self._copy(name, pool, start) for name, pool in pools.items()))
            return _lap(meter.spent())

    async def _copy(self, service: str, pool: "asyncpg.Pool[asyncpg.Record]", start: int) -> None:
        async with pool.acquire() as connection, connection.transaction():
            await copy_part(connection, self._rows[service], start, start + COPIED_AT_ONCE, ORDERS)

    async def _rows_now(self) -> dict[str, Added]:
        return {name: await rows_of(self.suite.rig.dsn(name)) for name in SERVICES}

    async def _check(self) -> None:
        """Raise Unfinished unless each order ever sent has had each of its effects once."""
        for name, sql in DONE.items():
            found = tuple(await self.suite.looking[name].fetchrow(sql) or ())
            if set(found) != {self._sent}:
                message = f"{name} has done {found} of {self._sent} orders"
                raise Unfinished(message)


def _lap(spent: Spent, **told: float) -> Lap:
    """Return a lap of ORDERS, whose figure is what one cost all processes in milliseconds, and which tells of what."""
    also = {name: seconds / ORDERS * 1e3 for name, seconds in {**spent.cpu, **told}.items()}
    rate = ORDERS / spent.seconds
    return Lap(spent.total / ORDERS * 1e3, spent.total / ORDERS * 1e6, (*also.items(), ("orders/s", rate)))


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
        unit("ms/order"),
        bar,
        least=False,
        open=partial(open_chain, road),
        by="alone",
        cpu_of="services, PostgreSQL, Kafka; at the floor this process, PostgreSQL",
    )


ROWS = (
    row("kafka", "Kafka", by_kafka, 2),
    row("import", "import", by_import, 2),
    row("webhook", "webhook", by_webhook, 4),
)
