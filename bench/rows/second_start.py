"""The second `klientela up`, when everything is installed and the data are there, beside its two servers alone.

The command is the user's own, from the shell until it says that all is ready; the floor starts the PostgreSQL and the
Kafka of the same data directory side by side, until both answer.
"""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.race import Lap, Race, Row
from bench.share import say
from bench.stopwatch import Meter
from bench.track import Track
from klientela.layout import PROJECT, DataDirectory
from klientela.ports import Ports
from klientela.samples import ORDERS
from klientela.suite import Suite, start_together, stop_together
from tests.ports import free_base


class Starting:
    """A suite that has been up before, in a directory and on ports of its own."""

    def __init__(self, layout: DataDirectory) -> None:
        """Name its directory."""
        self._layout, self._ports = layout, Ports(free_base())

    async def floor(self) -> Lap:
        """Start its two servers alone."""
        servers = Suite(self._layout, self._ports, lambda _: None).servers
        meter = Meter()
        try:
            await asyncio.to_thread(start_together, servers, lambda server: server.start(), lambda: None)
            return Lap(meter.seconds)
        finally:
            await asyncio.to_thread(stop_together, servers)

    async def ours(self) -> Lap:
        """Start all of it."""
        meter = Meter()
        await self.up()
        lap = Lap(meter.seconds)
        await self.down()
        return lap

    async def up(self) -> None:
        """Start the suite as a user does."""
        await self.run("up", "--detach", "--json", "--port-base", str(self._ports.base))

    async def down(self) -> None:
        """Stop it."""
        await self.run("down")

    async def run(self, *arguments: str) -> None:
        """Run a command of the suite. Raises RuntimeError with its last words where it fails."""
        call = [str(PROJECT / "klientela"), *arguments, "--data", str(self._layout.root)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("KLIENTELA_")}
        process = await asyncio.create_subprocess_exec(
            *call, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        _, said = await process.communicate()
        if process.returncode:
            message = f"klientela {arguments[0]}: {said.decode(errors='replace')[-1_000:]}"
            raise RuntimeError(message)


@asynccontextmanager
async def open_starting(_: Track) -> AsyncIterator[Race]:
    """Start a suite once, give it a history, and stop it, so that the next start is a second one."""
    with TemporaryDirectory(prefix="klientela-bench-") as folder:
        starting = Starting(DataDirectory.at(Path(folder) / "data"))
        try:
            say("second-start: the first start")
            await starting.up()
            await starting.run("import", "orders", str(ORDERS), "--json", "--currency", "CZK")
            await starting.down()
            yield starting
        except BaseException as failure:
            try:
                await starting.down()
            except Exception as also:  # noqa: BLE001 - what failed first is what is to be told
                failure.add_note(f"Nor could the suite be stopped: {also!r}")
            raise


ROWS = (
    Row(
        "second-start",
        "the second `up --detach`, until all is ready",
        "its PostgreSQL and its Kafka alone",
        "s",
        bar=10,
        least=False,
        open=open_starting,
        by="difference",
    ),
)
