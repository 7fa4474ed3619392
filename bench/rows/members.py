"""One service's consumer in two and in three processes, against one: how far it grows with the machine's cores.

The processes are the real ones, of the role that consumes, in one group on the backlog of a suite that has worked. All
are let in at the same moment; the clock starts when each has its part of the partitions, and what was applied until
then does not count. The CPU is that of the processes together.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from bench.race import Lap, Race, Row
from bench.rows.consumers import Consuming, consuming
from bench.share import unit
from bench.stopwatch import Stopwatch
from bench.track import Track
from chassis.closing import connected
from klientela.ports import free_ports
from tests.rig import ServiceUnderTest, until, variable

SERVICE = "loyalty"
PATIENCE = 600.0
SEEN_EVERY = 0.02
AT_THE_DOOR = (
    "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    " and query like '%chassis.progress%'"
)
APPLIED = "select coalesce(sum(sequence), 0)::bigint from chassis.progress where subscription = 'main'"


class Members:
    """A backlog that a group of processes works off."""

    def __init__(self, heard: Consuming, admin: AIOKafkaAdminClient, members: int) -> None:
        """Name what is heard, who knows of groups, and how many processes there are to be."""
        self._heard, self._admin, self._members = heard, admin, members
        self._rig = heard.recorded.rig
        self._group = f"{self._rig.prefix}{SERVICE}.main"

    async def floor(self) -> Lap:
        """Work it off in one process."""
        return await self._work_off(1)

    async def ours(self) -> Lap:
        """Work it off in several."""
        return await self._work_off(self._members)

    async def _work_off(self, members: int) -> Lap:
        ((total,),) = await self._rig.rows(SERVICE, APPLIED)
        await self._forget_offsets()
        async with self._heard.recorded.anew(SERVICE) as dsn, AsyncExitStack() as stack:
            connection = await asyncpg.connect(dsn)
            stack.push_async_callback(connection.close)
            processes = await stack.enter_async_context(self._spawned(dsn, members))
            await let_in(connection, processes)
            await until(partial(self._shared_out, processes), PATIENCE, SEEN_EVERY)
            before, stopwatch = await connection.fetchval(APPLIED), Stopwatch([each.process for each in processes])
            if before > total / 2:
                message = f"{before:,} of {total:,} were applied before each of {members} had its part"
                raise RuntimeError(message)

            async def over() -> bool:
                return bool(await connection.fetchval(APPLIED) >= total)

            await until(over, PATIENCE, SEEN_EVERY)
            return stopwatch.rate(total - before)

    @asynccontextmanager
    async def _spawned(self, dsn: str, members: int) -> AsyncIterator[list[ServiceUnderTest]]:
        """Start processes of the group on one database; they are stopped afterwards."""
        processes = [self._rig.member(SERVICE, port) for port in free_ports(members)]
        try:
            for process in processes:
                process.roles = "consume"
                process.environment = {**process.environment, variable(SERVICE, "DATABASE"): dsn}
                process.spawn()
            yield processes
        finally:
            await asyncio.gather(*(asyncio.to_thread(process.stop) for process in processes))

    async def _shared_out(self, processes: Sequence[ServiceUnderTest]) -> bool:
        """Tell whether each process has its part. Raises Refusal where one has ended."""
        state, members = await self._standing()
        return still_there(processes) and state == "Stable" and members == len(processes)

    async def _standing(self) -> tuple[str, int]:
        """Return the state of the group, and how many are in it."""
        (answer,) = await self._admin.describe_consumer_groups([self._group])
        _, _, state, _, _, members, *_ = answer.groups[0]
        return str(state), len(members)

    async def _forget_offsets(self) -> None:
        """Have the group read all of it again, once those who were in it before are forgotten."""

        async def nobody() -> bool:
            return not (await self._standing())[1]

        await until(nobody, PATIENCE)
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._rig.bootstrap, group_id=self._group, enable_auto_commit=False
        )
        async with connected(consumer.start, consumer.stop):
            topics = await self._admin.describe_topics(self._heard.topics)
            places = [TopicPartition(each["topic"], p["partition"]) for each in topics for p in each["partitions"]]
            consumer.assign(places)
            await consumer.commit(dict.fromkeys(places, 0))


async def let_in(connection: "asyncpg.Connection[asyncpg.Record]", processes: Sequence[ServiceUnderTest]) -> None:
    """Hold what each process reads at its start until all of them are there, so that none begins before another."""

    async def all_there() -> bool:
        return still_there(processes) and bool(await connection.fetchval(AT_THE_DOOR) >= len(processes))

    async with connection.transaction():
        await connection.execute("lock table chassis.progress in access exclusive mode")
        await until(all_there, PATIENCE, SEEN_EVERY)


def still_there(processes: Sequence[ServiceUnderTest]) -> bool:
    """Tell that all processes run. Raises Refusal where one has ended."""
    return all(each.process.pid for each in processes)


@asynccontextmanager
async def open_members(members: int, track: Track) -> AsyncIterator[Race]:
    """Give the backlog."""
    heard = await consuming(SERVICE, track)
    admin = AIOKafkaAdminClient(bootstrap_servers=heard.recorded.rig.bootstrap)
    async with connected(admin.start, admin.close):
        yield Members(heard, admin, members)


def row(name: str, members: int) -> Row:
    """Return the row of so many processes; what is promised depends on the machine's cores, so nothing is."""
    return Row(
        f"{name}-consumers",
        f"events applied by {members} processes of {SERVICE}",
        "the same by one process",
        unit("events/s"),
        bar=None,
        least=True,
        open=partial(open_members, members),
    )


ROWS = (row("two", 2), row("three", 3))
