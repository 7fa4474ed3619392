"""The event log alone: many writers, rollbacks, long transactions, writers of all lanes, a frozen one, and a reader."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from subprocess import PIPE, Popen
from uuid import UUID, uuid4

import asyncpg
import psutil

from chassis.database import run_formatted
from chassis.run.migrations import migrate
from tests.faults.judge import Verdict
from tests.faults.row import Draw, Outcome, Row
from tests.faults.stage import Stage
from tests.faults.writer import keys_of

EVENTS, FEW = 100_000, 10_000
WRITERS = 16
PROCESSES = 2
FROZEN_WITHIN = 30.0
"""Seconds, after all others are done, for a writer to come to the point at which it freezes."""
WINDOW = (
    "select lane, sequence, key, version from chassis.events where lane = $1 and sequence > $2"
    " order by sequence limit 5000"
)


async def write_all_at_once(stage: Stage, random: Draw) -> Outcome:
    """Write a hundred thousand events by sixteen writers; a reader follows every lane as it grows."""
    name = f"log_{uuid4().hex[:8]}"
    dsn = f"{stage.machine.postgres.dsn.rsplit('/', 1)[0]}/{name}"
    server = await asyncpg.connect(stage.machine.postgres.dsn)
    await run_formatted(server, "create database %I", name)
    await migrate(dsn, None)
    wanted = FEW if random.short else EVENTS
    frozen = writer(dsn, "frozen", 1, wanted, {"KLIENTELA_FAULT": "counters.locked:20:stop"})
    others = [writer(dsn, f"{random.number}-{n}", WRITERS // PROCESSES, wanted // PROCESSES) for n in range(PROCESSES)]
    verdict = Verdict()
    reader = Reader(await asyncpg.connect(dsn))
    try:
        while any(each.poll() is None for each in others):
            verdict.add("inverted", await reader.follow())
        verdict.add("stuck", await not_frozen(frozen))
    finally:
        for each in (frozen, *others):
            each.kill()
    frozen.communicate()  # it said nothing: it was killed within its work
    written = [each.communicate()[0] for each in others]
    verdict.add("stuck", [f"a writer ended with {each.returncode}" for each in others if each.returncode])
    verdict.add("inverted", await reader.follow())
    heads = await reader.connection.fetch("select lane, head from chassis.counters")
    verdict.add(
        "lost", [f"lane {lane}: {reader.at[lane]} of {head}" for lane, head in heads if reader.at[lane] != head]
    )
    said, seen = sum(int(each or 0) for each in written), reader.seen_of_others(keys_of("frozen 0"))
    verdict.add("lost" if seen < said else "doubled", [f"{seen} events of {said}"] * (seen != said))
    deadlocks = await server.fetchval("select deadlocks from pg_stat_database where datname = $1", name)
    verdict.add("stuck", ["a deadlock"] * deadlocks)
    await reader.connection.close()
    await run_formatted(server, "drop database %I with (force)", name)
    await server.close()
    return Outcome(reader.seen, verdict)


async def not_frozen(process: "Popen[bytes]") -> list[str]:
    """Wait until a process that stops itself has done so; say so if it never does."""
    with suppress(TimeoutError, psutil.NoSuchProcess):
        async with asyncio.timeout(FROZEN_WITHIN):
            while psutil.Process(process.pid).status() != psutil.STATUS_STOPPED:
                await asyncio.sleep(0.05)  # lint-skip: sleep the system gives no signal of it
            return []
    return ["the frozen writer was never frozen"]


def writer(
    dsn: str, seed: str, tasks: int, events: int, environment: Mapping[str, str] | None = None
) -> "Popen[bytes]":
    """Start a process that writes."""
    arguments = [sys.executable, "-m", "tests.faults.writer", dsn, seed, str(tasks), str(events)]
    return Popen(arguments, env={**os.environ, **(environment or {})}, stdout=PIPE)


class Reader:
    """Reads lanes as they grow and says where a number is missing, or a key's events are not in their order."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self.connection, self.seen = connection, 0
        self.at: Counter[int] = Counter()
        self._versions: dict[UUID, int] = {}

    async def follow(self) -> list[str]:
        """Read on in all lanes; return what is wrong."""
        wrong = []
        for lane in range(48):
            for _, sequence, key, version in await self.connection.fetch(WINDOW, lane, self.at[lane]):
                if sequence != self.at[lane] + 1:
                    wrong.append(f"lane {lane}: {sequence} after {self.at[lane]}")
                if version != self._versions.get(key, 0) + 1:
                    wrong.append(f"lane {lane}: version {version} after {self._versions.get(key, 0)}")
                self.at[lane], self._versions[key] = sequence, version
                self.seen += 1
        await asyncio.sleep(0.05)  # lint-skip: sleep the pace of a reader
        return wrong

    def seen_of_others(self, keys: Iterable[UUID]) -> int:
        """Return how many events were read of other keys than these; a key's last version is their number."""
        return self.seen - sum(self._versions.get(key, 0) for key in keys)


ROWS = (
    Row(
        "log",
        "events by 16 writers: rollbacks, long and all-lane transactions, a frozen writer",
        1_000_000,
        10_000_000,
        write_all_at_once,
    ),
)
