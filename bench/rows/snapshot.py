"""A consumer while somebody holds a snapshot of its database, so that nothing that is dead can be swept away.

Before the clock starts, the rows that every batch writes (counters, progress) are written as often as in a quarter of
an hour in which each lane commits every second: with the snapshot, all of those versions stay.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

import asyncpg

from bench.race import Lap, Race, Row
from bench.rows.consumers import Consuming, consuming
from bench.servers import HERE_AND_SERVERS
from bench.share import scaled, unit
from bench.track import Track

SERVICE = "loyalty"
COMMITS = scaled(900)
CHURN = ("update chassis.counters set head = head", "update chassis.progress set sequence = sequence")


class Held:
    """What loyalty hears of a suite that has worked."""

    def __init__(self, consuming: Consuming) -> None:
        """Name what is heard."""
        self._consuming = consuming

    async def floor(self) -> Lap:
        """Consume it while nobody holds anything."""
        return await self._consume(held=False)

    async def ours(self) -> Lap:
        """Consume it under a snapshot that was there before."""
        return await self._consume(held=True)

    async def _consume(self, *, held: bool) -> Lap:
        async with self._consuming.recorded.anew(SERVICE) as dsn, snapshot(dsn) if held else nullcontext():
            await churn(dsn)
            return await self._consuming.consume(dsn)


@asynccontextmanager
async def snapshot(dsn: str) -> AsyncIterator[None]:
    """Hold a snapshot of a database within. Raises if it was lost."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.fetchval("select count(*) from chassis.counters")
            yield
            await connection.fetchval("select count(*) from chassis.counters")
    finally:
        await connection.close()


async def churn(dsn: str) -> None:
    """Write the rows again that every batch writes, each time in a transaction of its own."""
    connection = await asyncpg.connect(dsn)
    for _ in range(COMMITS):
        for statement in CHURN:
            await connection.execute(statement)
    await connection.close()


@asynccontextmanager
async def open_held(track: Track) -> AsyncIterator[Race]:
    """Give what is heard."""
    yield Held(await consuming(SERVICE, track))


ROWS = (
    Row(
        "snapshot",
        f"events applied by {SERVICE} while a snapshot is held",
        "the same without one",
        unit("events/s"),
        bar=0.9,
        least=True,
        open=open_held,
        cpu_of=HERE_AND_SERVERS,
    ),
)
