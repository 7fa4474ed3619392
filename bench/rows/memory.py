"""Resident memory of the five services together at the end of an hour under load, against that after five minutes.

The load is that of the faults, with nothing struck: shops, batches, a producer and operators, one load after the other.
Of both several minutes count, each with its median; by how much memory grows in an hour, by all minutes after the first
ones, is told with how many orders came in a second.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from statistics import linear_regression, median
from tempfile import TemporaryDirectory

from bench.race import Lap, Race, Row
from bench.share import say, scaled, unit
from bench.track import Track
from tests.faults.load import Load
from tests.rig import Rig, Servers, running

OVER = scaled(5)
"""So many minutes count."""
EARLY, LATE = 2 * OVER - 1, scaled(60, 3 * OVER)
"""The last minutes of the floor's, which begin with the fifth, and of ours."""
MINUTE, LOOKS = 60.0, 12
"""Seconds, and how often memory is looked at within: its median counts, for a batch in hand has some of its own."""
MEGABYTE = 2**20


class Loaded:
    """A suite at work; its minutes go on from the floor to ours."""

    def __init__(self, rig: Rig, load: Load) -> None:
        """Name the suite and who gives it work."""
        self._rig, self._load = rig, load
        self._random = Random(1)  # noqa: S311 - the same draws every time
        self._minutes: list[tuple[float, float]] = []
        self._began = time.monotonic()

    async def floor(self) -> Lap:
        """Work for the first minutes."""
        return await self._until(EARLY)

    async def ours(self) -> Lap:
        """Work on until an hour is over."""
        lap = await self._until(LATE)
        slope = linear_regression(*zip(*self._minutes[OVER - 1 :], strict=True)).slope
        return lap._replace(also=(*lap.also, ("MB an hour", slope * 60)), series=tuple(self._minutes))

    async def _until(self, last: int) -> Lap:
        began, sent = time.monotonic(), len(self._load.inputs.sent)
        while len(self._minutes) < last:
            found = await self._work(len(self._minutes))
            self._minutes.append((len(self._minutes) + 1, found))
            say(f"memory: {found:.1f} MB after minute {len(self._minutes)}")
        rate = (len(self._load.inputs.sent) - sent) / (time.monotonic() - began)
        return Lap(median(found for _, found in self._minutes[-OVER:]), also=(("orders/s", rate),))

    async def _work(self, minute: int) -> float:
        """Work until a minute is over; return the resident memory within, in MB."""
        found = []
        async with self._load.running(self._random):
            for look in range(LOOKS):
                due = self._began + (minute + (look + 1) / LOOKS) * MINUTE
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
        "resident memory of the five services in the last five minutes of an hour under load",
        "the same in the fifth to ninth minute",
        unit("MB"),
        bar=1.05,
        least=False,
        open=open_loaded,
        once=True,
    ),
)
