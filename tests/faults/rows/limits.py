"""Something runs out: the disk of a server; or a snapshot is held, so that nothing that is dead can be swept away."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import asyncpg

from klientela.processes import ManagedProcess
from tests.faults.row import Draw, NotStruck, Outcome, Row, under_load, work_unharmed
from tests.faults.rows.striking import answering
from tests.faults.stage import Machine, Stage, a_machine, a_stage

HELD, HELD_SHORT = (15 * 60, 60), (6, 3)
"""Seconds that a snapshot is held, and how many of them pass before each probe."""
SMALL_DISK_MB = 700
FULL = "No space left on device"


async def hold_snapshot(stage: Stage, random: Draw) -> Outcome:
    """Hold a snapshot in every database for a quarter of an hour under load; how orders fare meanwhile comes first."""
    before = await work_unharmed(stage, random)
    meanwhile: list[float] = []
    long, every = HELD_SHORT if random.short else HELD
    async with snapshots(stage):
        for _ in range(long // every):
            async with stage.load.running(random):
                await asyncio.sleep(every)  # lint-skip: sleep so long it is held
                meanwhile.append(await stage.load.probe())

    async def released(_stage: Stage, _random: Draw) -> int:
        return 1

    outcome = await under_load(released)(stage, random)
    outcome.verdict.add("stuck", before)
    return replace(outcome, recovery=meanwhile + outcome.recovery)


@asynccontextmanager
async def snapshots(stage: Stage) -> AsyncIterator[None]:
    """Hold a snapshot in every database. Raises if one of them was lost within."""
    connections = [await asyncpg.connect(stage.rig.dsn(name)) for name in stage.rig.names]
    for connection in connections:
        await connection.execute("set idle_in_transaction_session_timeout = 0")
        await connection.execute("begin isolation level repeatable read")
        await connection.fetch("select 1 from chassis.counters")
    yield
    for connection in connections:
        await connection.execute("rollback")
        await connection.close()


async def fill_disk(server: ManagedProcess, folder: Path) -> None:
    """Leave no room on a disk for ten seconds; a server that ended itself is started when there is some again.

    Raises NotStruck if the server's log tells nothing of it.
    """
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    await asyncio.sleep(10)  # lint-skip: sleep so long it is full
    filler.unlink()
    await answering(server)
    if FULL not in server.log.read_text(errors="replace"):
        message = f"{server.name} wrote nothing while its disk was full"
        raise NotStruck(message)


async def fill_disk_of_postgres(stage: Stage, random: Draw) -> Outcome:
    """The disk under PostgreSQL is full for ten seconds."""
    async with small_disk(stage.machine.folder / "small") as disk, a_machine(postgres=disk) as machine:
        return await _run(machine, random, machine.postgres, disk)


async def fill_disk_of_kafka(stage: Stage, random: Draw) -> Outcome:
    """The disk under Kafka's log is full for ten seconds; the broker ends itself."""
    async with small_disk(stage.machine.folder / "small") as disk, a_machine(kafka=disk) as machine:
        return await _run(machine, random, machine.kafka, disk)


async def _run(machine: Machine, random: Draw, server: ManagedProcess, disk: Path) -> Outcome:
    async def strike(_stage: Stage, _random: Draw) -> int:
        await fill_disk(server, disk)
        return 1

    await asyncio.to_thread(server.stop)
    server.log = machine.folder / "server.log"  # on the full disk nobody could write one
    await asyncio.to_thread(server.start)
    async with a_stage(machine) as stage:
        return await under_load(strike)(stage, random)


@asynccontextmanager
async def small_disk(folder: Path) -> AsyncIterator[Path]:
    """Mount a small file system in memory, which root alone may."""
    folder.mkdir()
    try:
        size = f"size={SMALL_DISK_MB}m,mode=0711"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "none", str(folder)], check=True)
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
    finally:
        folder.rmdir()


ROWS = (
    Row(
        "disk-postgres",
        "the disk under PostgreSQL full for 10 s (root only: a small tmpfs)",
        3,
        10,
        fill_disk_of_postgres,
        bare=True,
        for_root=True,
    ),
    Row(
        "disk-kafka",
        "the disk under Kafka full for 10 s (root only: a small tmpfs)",
        3,
        10,
        fill_disk_of_kafka,
        bare=True,
        for_root=True,
    ),
    Row("snapshot", "a snapshot held for 15 min in every database", 1, 3, hold_snapshot),
)
