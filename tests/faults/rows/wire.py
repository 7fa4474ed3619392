"""A proxy before PostgreSQL that knows a COMMIT when it sees one: connections die in it, or its answer is lost."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from tests.faults.row import Draw, Row, under_load
from tests.faults.rows.striking import until_struck
from tests.faults.stage import Stage

COMMIT = b"COMMIT;\x00"
COMMITTED = b"COMMIT\x00"
BACKEND_KEY = b"K\x00\x00\x00\x0c"
"""How PostgreSQL tells a client its process id: BackendKeyData of protocol 3.0."""
AT_ONCE, SHARE = 10, 0.2
"""How many commits one run strikes at least, and which share of them all until then."""
APART = 0.002
"""Seconds, at most, between a COMMIT and the end of its process: longer than a commit takes, mostly."""


class Wire:
    """Carries connections to PostgreSQL; every now and then a COMMIT is the last thing that one of them says.

    ``silent``: the server has done the commit and the connection ends before anybody is told. Else its process is ended
    as the COMMIT comes, and nobody is told whether it was done.
    """

    def __init__(self, server: str, random: Draw, *, silent: bool) -> None:
        self.server, self.random, self.silent, self.armed = server, random, silent, False
        self.struck: list[bool] = []
        """Of each connection that was struck, whether the server had committed."""

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either side ends it, or this does."""
        to = urlsplit(self.server)
        there, back = await asyncio.open_connection(to.hostname, to.port)
        connection = Connection(self, reader, writer, there, back)
        with suppress(OSError):
            await asyncio.gather(connection.ask(), connection.answer())
        for each in (writer, back):
            each.close()

    @property
    def over(self) -> bool:
        """Tell whether enough were struck: where a process is ended, some before they had committed and some after."""
        return len(self.struck) >= AT_ONCE and (self.silent or len(set(self.struck)) > 1)

    def chooses(self, asked: bytes) -> bool:
        """Tell whether this is to be a connection's last COMMIT."""
        return self.armed and not self.over and COMMIT in asked and self.random.random() < SHARE


@dataclass
class Connection:
    """One connection on its way; ``last`` once its COMMIT was struck."""

    wire: Wire
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    there: asyncio.StreamReader
    back: asyncio.StreamWriter
    pid: int = 0
    last: bool = False

    async def ask(self) -> None:
        """Carry what the service says."""
        while asked := await self.reader.read(65_536):
            if self.pid and self.wire.chooses(asked):
                self._strike(asked)
                self.last = True
                return
            self.back.write(asked)
            await self.back.drain()
        raise ConnectionResetError

    def _strike(self, asked: bytes) -> None:
        """Say a COMMIT; unless that is all, end the server's process a moment before or after, so that either may win.

        Raises ProcessLookupError if there is no process any more.
        """
        acts = [partial(self.back.write, asked), partial(os.kill, self.pid, signal.SIGTERM)]
        if self.wire.silent:
            acts.pop()
        self.wire.random.shuffle(acts)
        for act in acts:
            act()
            time.sleep(self.wire.random.uniform(0, APART))  # lint-skip: sleep what may come between is any instant

    async def answer(self) -> None:
        """Carry what the server says; what it says to a COMMIT that was struck is only looked at.

        A process that was ended counts when its end of the connection has gone with it.
        """
        heard = b""
        with suppress(ConnectionResetError):  # so ends a process that never read its COMMIT
            while said := await self.there.read(65_536):
                if self.last:
                    heard += said
                    if self.wire.silent:
                        break
                    continue
                if not self.pid and (at := said.find(BACKEND_KEY)) >= 0:
                    self.pid = int.from_bytes(said[at + 5 : at + 9], "big")
                self.writer.write(said)
                await self.writer.drain()
        committed = COMMITTED in heard
        if self.last and (committed or not self.wire.silent):
            self.wire.struck.append(committed)
        raise ConnectionResetError


@asynccontextmanager
async def between(stage: Stage, random: Draw, *, silent: bool) -> AsyncIterator[Wire]:
    """All services reach PostgreSQL by a wire, within."""
    wire = Wire(stage.rig.server, random, silent=silent)
    door = await asyncio.start_server(wire.carry, "127.0.0.1", 0)
    port = door.sockets[0].getsockname()[1]
    direct = dict(stage.rig.processes["orders"].environment)
    told = {name: value.replace(f":{urlsplit(stage.rig.server).port}/", f":{port}/") for name, value in direct.items()}
    await _restart(stage, told)
    wire.armed = True
    try:
        yield wire
    finally:
        wire.armed = False
        await _restart(stage, direct)
        door.close()


async def _restart(stage: Stage, environment: dict[str, str]) -> None:
    for process in stage.rig.processes.values():
        process.environment = environment
    processes = stage.rig.processes.values()
    await asyncio.gather(*(asyncio.to_thread(process.stop) for process in processes))
    await asyncio.gather(*(asyncio.to_thread(process.start) for process in processes))


def in_commits(*, silent: bool) -> Callable[[Stage, Draw], Awaitable[int]]:
    """Strike ten commits of any services, or a few more."""

    async def strike(stage: Stage, random: Draw) -> int:
        async with between(stage, random, silent=silent) as wire:

            async def over() -> bool:
                return wire.over

            await until_struck(over, f"{len(wire.struck)} commits were struck, {sum(wire.struck)} were done")
        return len(wire.struck)

    return strike


ROWS = (
    Row(
        "die-in-commit",
        "a connection's process ended just before or while it commits, nobody told",
        50,
        200,
        under_load(in_commits(silent=False)),
        unit="commits",
    ),
    Row(
        "commit-unanswered",
        "commit sent and done, its answer lost",
        50,
        200,
        under_load(in_commits(silent=True)),
        unit="commits",
    ),
)
