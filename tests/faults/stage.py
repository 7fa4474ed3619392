"""The stage of the faults: a PostgreSQL, a Kafka and five services that a row may treat as it likes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import mkdtemp
from threading import Event
from typing import NamedTuple

from klientela.errors import Refusal
from klientela.kafka import KafkaBroker
from klientela.postgres import PostgresServer
from tests.faults.load import Load
from tests.faults.warden import warded
from tests.rig import SERVICES, Rig, Servers, running


class NoMachine(Refusal):
    """A machine could not be made, which says nothing of the suite."""


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
    """Start both servers in a folder of their own, or where they are told to keep their data. Raises NoMachine.

    Who is killed within leaves nothing: the warden ends it.
    """
    folder = Path(mkdtemp(prefix="klientela-machine-"))
    with warded(folder):
        machine = Machine(
            folder,
            PostgresServer((postgres or folder) / "postgres", durable=durable),
            KafkaBroker((kafka or folder) / "kafka"),
        )
        servers, given_up = (machine.postgres, machine.kafka), Event()
        starts = [asyncio.create_task(asyncio.to_thread(server.start, given_up)) for server in servers]
        try:
            await asyncio.wait(starts)
            try:
                await asyncio.gather(*starts)
            except Refusal as refusal:
                raise NoMachine(*refusal.args) from refusal
            yield machine
        finally:
            given_up.set()
            await asyncio.wait(starts)  # a thread goes on though nobody waits for it, and would start what is stopped
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


@asynccontextmanager
async def a_bare_stage(machine: Machine) -> AsyncIterator[Stage]:
    """Give a stage on which nobody is: no service runs, and the load has nobody to ask."""
    folder = Path(mkdtemp(dir=machine.folder))
    load = Load(Rig(folder, SERVICES, Servers(machine.postgres.dsn, machine.kafka.bootstrap)))
    try:
        yield Stage(machine, load.rig, load)
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
    async def lend(self, *, fresh: bool, bare: bool = False) -> AsyncIterator[Stage]:
        """Lend the stage for one run; a ``fresh`` run has one to itself, a ``bare`` one a machine without services."""
        alone = fresh or bare
        try:
            if self._machine is None:
                self._machine = await self._machines.enter_async_context(a_machine())
            if alone:
                await self._end_stage()
            if self._stage is None:
                made = a_bare_stage(self._machine) if bare else a_stage(self._machine)
                self._stage = await self._stages.enter_async_context(made)
            yield self._stage
            if alone:
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
