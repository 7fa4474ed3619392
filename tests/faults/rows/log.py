"""The event log alone: many writers, rollbacks, long transactions, writers of all lanes, frozen ones, and a reader."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from subprocess import PIPE, Popen
from uuid import UUID, uuid4

import asyncpg
import psutil

from chassis.database import run_formatted
from chassis.run.migrations import migrate
from klientela.processes import OWNER_VARIABLE
from tests.faults.judge import Verdict
from tests.faults.row import Draw, Outcome, Row
from tests.faults.stage import Stage
from tests.faults.writer import keys_of
from tests.rig import until

EVENTS, FEW = 1_000_000, 10_000
WRITERS = 16
PROCESSES = 2
FROZEN, FROZEN_FEW = 10, 1
FREEZE = {"KLIENTELA_FAULT": "counters.locked:20:stop"}
FROZEN_FOR = 7
"""Seconds, more than PostgreSQL waits for a transaction in which nothing happens."""
FROZEN_WITHIN = 30.0
"""Seconds for a writer to come to the point at which it freezes."""
WINDOW = (
    "select lane, sequence, key, version from chassis.events where lane = $1 and sequence > $2"
    " order by sequence limit 5000"
)
CONNECTED = "select count(*) from pg_stat_activity where datname = $1"
DEADLOCKS = "select deadlocks from pg_stat_database where datname = $1"
"""Complete once all are gone: what a process of PostgreSQL has counted, it may keep to itself until it ends."""


async def write_all_at_once(stage: Stage, random: Draw) -> Outcome:
    """Write a million events into one log by sixteen writers and some that freeze; a reader follows every lane."""
    name = f"log_{uuid4().hex[:8]}"
    dsn = f"{stage.machine.postgres.dsn.rsplit('/', 1)[0]}/{name}"
    server = await asyncpg.connect(stage.machine.postgres.dsn)
    await run_formatted(server, "create database %I", name)
    await migrate(dsn, None)
    reader = Reader(await asyncpg.connect(dsn))
    wanted, frozen = (FEW, FROZEN_FEW) if random.short else (EVENTS, FROZEN)
    mine = {OWNER_VARIABLE: str(stage.machine.folder)}
    each_writes = (WRITERS // PROCESSES, wanted // PROCESSES)
    others = [writer(dsn, f"{random.number}-{n}", *each_writes, mine) for n in range(PROCESSES)]
    verdict = Verdict()
    try:
        async with asyncio.TaskGroup() as tasks:
            freezing = tasks.create_task(freeze_writers(dsn, frozen, mine))
            while not freezing.done() or any(each.poll() is None for each in others):
                verdict.add("inverted", await reader.follow())
    finally:
        for each in others:
            each.kill()
    verdict.add("stuck", freezing.result())
    written = [each.communicate()[0] for each in others]
    verdict.add("stuck", [f"a writer ended with {each.returncode}" for each in others if each.returncode])
    verdict.add("inverted", await reader.follow())
    heads = await reader.connection.fetch("select lane, head from chassis.counters")
    verdict.add(
        "lost", [f"lane {lane}: {reader.at[lane]} of {head}" for lane, head in heads if reader.at[lane] != head]
    )
    said = sum(int(each or 0) for each in written)
    seen = reader.seen_of_others(key for n in range(frozen) for key in keys_of(f"frozen-{n} 0"))
    verdict.add("lost" if seen < said else "doubled", [f"{seen} events of {said}"] * (seen != said))
    await reader.connection.close()
    verdict.add("stuck", ["a deadlock"] * await deadlocks(server, name))
    await run_formatted(server, "drop database %I with (force)", name)
    await server.close()
    return Outcome(reader.seen, verdict)


async def freeze_writers(dsn: str, number: int, environment: Mapping[str, str]) -> list[str]:
    """Have writers freeze, one after the other, with lanes locked; return which never came to it."""
    never: list[str] = []
    for n in range(number):
        process = writer(dsn, f"frozen-{n}", 1, EVENTS, {**environment, **FREEZE})
        try:
            never += await not_frozen(process)
            await asyncio.sleep(FROZEN_FOR)  # lint-skip: sleep so long it is frozen
        finally:
            process.kill()
        process.communicate()  # it said nothing: it was killed within its work
    return never


async def deadlocks(server: "asyncpg.Connection[asyncpg.Record]", name: str) -> int:
    """Return how many deadlocks a database has had, once nobody is connected to it."""

    async def left() -> bool:
        return not await server.fetchval(CONNECTED, name)

    await until(left)
    return int(await server.fetchval(DEADLOCKS, name))


async def not_frozen(process: "Popen[bytes]") -> list[str]:
    """Wait until a process that stops itself has done so; say so if it never does."""
    with suppress(TimeoutError, psutil.NoSuchProcess):
        async with asyncio.timeout(FROZEN_WITHIN):
            while psutil.Process(process.pid).status() != psutil.STATUS_STOPPED:
                await asyncio.sleep(0.05)  # lint-skip: sleep the system gives no signal of it
            return []
    return ["the frozen writer was never frozen"]


def writer(dsn: str, seed: str, tasks: int, events: int, environment: Mapping[str, str]) -> "Popen[bytes]":
    """Start a process that writes."""
    arguments = [sys.executable, "-m", "tests.faults.writer", dsn, seed, str(tasks), str(events)]
    return Popen(arguments, env={**os.environ, **environment}, stdout=PIPE)


class Reader:
    """Reads lanes as they grow and says where a number is missing, or a key's events are not in their order."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self.connection, self.seen = connection, 0
        self.at: Counter[int] = Counter()
        self._versions: dict[UUID, int] = {}

    async def follow(self) -> list[str]:
        """Read all lanes to their ends; return what is wrong."""
        wrong: list[str] = []
        for lane in range(48):
            while rows := await self.connection.fetch(WINDOW, lane, self.at[lane]):
                for row in rows:
                    wrong += self._read(*row)
        await asyncio.sleep(0.05)  # lint-skip: sleep the pace of a reader
        return wrong

    def _read(self, lane: int, sequence: int, key: UUID, version: int) -> Iterator[str]:
        """Read one event."""
        if sequence != self.at[lane] + 1:
            yield f"lane {lane}: {sequence} after {self.at[lane]}"
        if version != self._versions.get(key, 0) + 1:
            yield f"lane {lane}: version {version} after {self._versions.get(key, 0)}"
        self.at[lane], self._versions[key] = sequence, version
        self.seen += 1

    def seen_of_others(self, keys: Iterable[UUID]) -> int:
        """Return how many events were read of other keys than these; a key's last version is their number."""
        return self.seen - sum(self._versions.get(key, 0) for key in keys)


ROWS = (
    Row(
        "log",
        "events by 16 writers: rollbacks, long and all-lane transactions, frozen writers",
        1_000_000,
        10_000_000,
        write_all_at_once,
        unit="events",
        bare=True,
    ),
)
