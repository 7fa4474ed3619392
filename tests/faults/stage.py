"""The stage of the faults: a PostgreSQL, a Kafka and five services that a row may treat as it likes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import NamedTuple

from klientela.kafka import KafkaBroker
from klientela.postgres import PostgresServer
from tests.faults.load import Load
from tests.rig import Rig, Servers, running


class Machine(NamedTuple):
    """The two servers; rows that break them mend them again."""

    folder: Path
    postgres: PostgresServer
    kafka: KafkaBroker


class Stage(NamedTuple):
    """What a row strikes at, and the load while it does."""

    machine: Machine
    rig: Rig
    load: Load


@asynccontextmanager
async def a_machine(
    postgres: Path | None = None, kafka: Path | None = None, *, durable: bool = False
) -> AsyncIterator[Machine]:
    """Start both servers in a folder of their own, or where they are told to keep their data."""
    with TemporaryDirectory(prefix="klientela-machine-") as name:
        folder = Path(name)
        machine = Machine(
            folder,
            PostgresServer((postgres or folder) / "postgres", durable=durable),
            KafkaBroker((kafka or folder) / "kafka"),
        )
        servers = (machine.postgres, machine.kafka)
        try:
            await asyncio.gather(*(asyncio.to_thread(server.start) for server in servers))
            yield machine
        finally:
            await asyncio.gather(*(asyncio.to_thread(server.stop) for server in servers))


@asynccontextmanager
async def a_stage(machine: Machine) -> AsyncIterator[Stage]:
    """Start five services with databases, topics and a folder of their own."""
    folder = Path(mkdtemp(dir=machine.folder))
    async with running(folder, Servers(machine.postgres.dsn, machine.kafka.bootstrap)) as rig:
        load = Load(rig)
        try:
            await load.open()
            yield Stage(machine, rig, load)
        finally:
            await load.close()


class Theatre:
    """Lends one machine and one stage to run after run; after a run that failed, both are made anew.

    What a failed run left undone is no later run's fault, and would cost each of them the judge's whole patience.
    """

    def __init__(self) -> None:
        self._machines, self._stages = AsyncExitStack(), AsyncExitStack()
        self._machine: Machine | None = None
        self._stage: Stage | None = None

    @asynccontextmanager
    async def lend(self, *, fresh: bool) -> AsyncIterator[Stage]:
        """Lend the stage for one run; a ``fresh`` run has one to itself, and none is idle beside it."""
        try:
            if self._machine is None:
                self._machine = await self._machines.enter_async_context(a_machine())
            if fresh:
                await self._end_stage()
            if self._stage is None:
                self._stage = await self._stages.enter_async_context(a_stage(self._machine))
            yield self._stage
            if fresh:
                await self._end_stage()
        except BaseException as failure:
            try:
                await self.close()
            except Exception as also:  # noqa: BLE001 - what failed first is what is to be told
                failure.add_note(f"Nor could the suite be stopped: {also!r}")
            raise

    async def close(self) -> None:
        """Stop everything; what cannot be stopped keeps nothing else from it."""
        try:
            await self._end_stage()
        finally:
            self._machine = None
            await self._machines.aclose()

    async def _end_stage(self) -> None:
        self._stage = None
        await self._stages.aclose()
