"""A proxy before PostgreSQL that knows a COMMIT when it sees one: connections die in it, or its answer is lost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import asyncpg

from tests.faults.row import Draw, Row, under_load
from tests.faults.stage import Stage
from tests.rig import until

COMMIT = b"COMMIT;\x00"
COMMITTED = b"COMMIT\x00"
BACKEND_KEY = b"K\x00\x00\x00\x0c"
"""How PostgreSQL tells a client its process id: BackendKeyData of protocol 3.0."""
AT_ONCE, SHARE = 10, 0.2
"""How many commits one run strikes, and which share of them all until then."""


class Wire:
    """Carries connections to PostgreSQL; every now and then a COMMIT is the last thing that one of them says.

    ``silent``: the server has done the commit and the connection ends before anybody is told. Else ``killers`` end its
    process just before or while it commits, and nobody is told whether it did.
    """

    def __init__(self, server: str, random: Draw, killers: "asyncpg.Pool[asyncpg.Record]", *, silent: bool) -> None:
        self.server, self.random, self.killers, self.silent = server, random, killers, silent
        self.struck, self.armed = 0, False
        self.done: list[bool] = []
        """Of each that was struck, whether the server has committed."""

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either side ends it, or this does."""
        to = urlsplit(self.server)
        there, back = await asyncio.open_connection(to.hostname, to.port)
        connection = Connection(self, reader, writer, there, back)
        with suppress(OSError):
            await asyncio.gather(connection.ask(), connection.answer())
        for each in (writer, back):
            each.close()


@dataclass
class Connection:
    """One connection on its way; ``last`` once its COMMIT was chosen."""

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
            if COMMIT in asked and self.wire.armed and self.wire.struck < AT_ONCE and self.wire.random.random() < SHARE:
                self.wire.struck += 1
                self.last = True
            if self.last:
                await self._last_words(asked)
                return
            await self._say(asked)
        raise ConnectionResetError

    async def _last_words(self, asked: bytes) -> None:
        """Let the server hear a COMMIT that nobody will be told of, alone or as its process is ended."""
        if self.wire.silent:
            await self._say(asked)
        elif self.wire.random.random() < 0.5:
            await self._kill()
            await self._say(asked)
        else:
            await asyncio.gather(self._say(asked), self._kill())

    async def _say(self, asked: bytes) -> None:
        self.back.write(asked)
        await self.back.drain()

    async def _kill(self) -> None:
        await self.wire.killers.execute("select pg_terminate_backend($1)", self.pid)

    async def answer(self) -> None:
        """Carry what the server says, unless the answer is to be lost."""
        while said := await self.there.read(65_536):
            if self.last:
                self.wire.done.append(COMMITTED in said)
                break
            if not self.pid and (at := said.find(BACKEND_KEY)) >= 0:
                self.pid = int.from_bytes(said[at + 5 : at + 9], "big")
            self.writer.write(said)
            await self.writer.drain()
        raise ConnectionResetError


@asynccontextmanager
async def between(stage: Stage, random: Draw, *, silent: bool) -> AsyncIterator[Wire]:
    """All services reach PostgreSQL by a wire, within."""
    killers = await asyncpg.create_pool(stage.rig.server, min_size=AT_ONCE, max_size=AT_ONCE)
    wire = Wire(stage.rig.server, random, killers, silent=silent)
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
        killers.terminate()


async def _restart(stage: Stage, environment: dict[str, str]) -> None:
    for process in stage.rig.processes.values():
        process.environment = environment
    processes = stage.rig.processes.values()
    await asyncio.gather(*(asyncio.to_thread(process.stop) for process in processes))
    await asyncio.gather(*(asyncio.to_thread(process.start) for process in processes))


def in_commits(*, silent: bool) -> Callable[[Stage, Draw], Awaitable[int]]:
    """Strike ten commits of any services."""

    async def strike(stage: Stage, random: Draw) -> int:
        async with between(stage, random, silent=silent) as wire:

            async def enough() -> bool:
                return wire.struck >= AT_ONCE

            await until(enough, 120)
        return sum(wire.done) if silent else wire.struck

    return strike


ROWS = (
    Row(
        "die-in-commit",
        "a connection's process ended just before or while it commits, nobody told",
        50,
        200,
        under_load(in_commits(silent=False)),
    ),
    Row("commit-unanswered", "commit sent and done, its answer lost", 50, 200, under_load(in_commits(silent=True))),
)
