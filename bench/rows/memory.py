"""Resident memory of the five services together after an hour under load, against that after five minutes.

The load is that of the faults, with nothing struck: shops, batches, a producer and operators, one load after the other.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory

from bench.race import Lap, Race, Row
from bench.share import say, scaled, unit
from bench.track import Track
from tests.faults.load import Load
from tests.rig import Rig, Servers, running

EARLY, LATE = scaled(5), scaled(60, 2)
"""Minutes."""
MINUTE, LOOKS = 60.0, 12
"""Seconds, and how often memory is looked at within: its median counts, for a batch in hand has some of its own."""
MEGABYTE = 2**20


class Loaded:
    """A suite at work; its minutes go on from the floor to ours."""

    def __init__(self, rig: Rig, load: Load) -> None:
        """Name the suite and who gives it work."""
        self._rig, self._load = rig, load
        self._random = Random(1)  # noqa: S311 - the same draws every time
        self._minute, self._began = 0, time.monotonic()

    async def floor(self) -> Lap:
        """Work for the first minutes."""
        return await self._until(EARLY)

    async def ours(self) -> Lap:
        """Work on until an hour is over."""
        return await self._until(LATE)

    async def _until(self, last: int) -> Lap:
        found = 0.0
        while self._minute < last:
            self._minute += 1
            found = await self._work()
            say(f"memory: {found:.1f} MB after minute {self._minute}")
        return Lap(found)

    async def _work(self) -> float:
        """Work until the present minute is over; return the resident memory within, in MB."""
        found = []
        async with self._load.running(self._random):
            for look in range(LOOKS):
                due = self._began + (self._minute - 1 + (look + 1) / LOOKS) * MINUTE
                await asyncio.sleep(max(0, due - time.monotonic()))  # lint-skip: sleep so long it works
                found.append(resident(self._rig))
        return median(found)


def resident(rig: Rig) -> float:
    """Return what the services' processes have in memory together, in MB. Raises Refusal where one has ended."""
    return sum(each.process.memory_info().rss for each in rig.processes.values()) / MEGABYTE


@asynccontextmanager
async def open_loaded(track: Track) -> AsyncIterator[Race]:
    """Start a suite and open its channels."""
    servers = await track.servers()
    with TemporaryDirectory(prefix="klientela-bench-") as folder:
        async with running(Path(folder), Servers(servers.postgres.dsn, servers.kafka.bootstrap)) as rig:
            load = Load(rig)
            try:
                await load.open()
                yield Loaded(rig, load)
            finally:
                await load.close()


ROWS = (
    Row(
        "memory",
        "resident memory of the five services after an hour under load",
        "the same after five minutes",
        unit("MB"),
        bar=1.05,
        least=False,
        open=open_loaded,
        once=True,
    ),
)
