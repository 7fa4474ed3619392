"""One service's consumer in two and in three processes, against one: how far it grows with the machine's cores.

The processes are the real ones, of the role that consumes, in one group on the backlog of a suite that has worked. All
are let in at the same moment; the clock starts when each has its part of the partitions, and what was applied until
then does not count. The CPU is that of the processes, of PostgreSQL and Kafka.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import asyncpg
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from bench.race import Lap, Race, Row
from bench.rows.consumers import Consuming, consuming
from bench.share import unit
from bench.stopwatch import Meter
from bench.track import Track
from chassis.closing import connected
from klientela.ports import free_ports
from tests.rig import ServiceUnderTest, until, variable

SERVICE = "loyalty"
PATIENCE = 600.0
SEEN_EVERY = 0.02
LONG = {"enable_auto_commit": False, "session_timeout_ms": 300_000, "rebalance_timeout_ms": 300_000}
"""For so long the group waits for its first member, which is silent."""
APPLIED = "select coalesce(sum(sequence), 0)::bigint from chassis.progress where subscription = 'main'"


class Usher(ConsumerRebalanceListener):  # type: ignore[misc]
    """Gives back no partition, so that nobody is given one before it leaves."""

    async def on_partitions_assigned(self, _: Iterable[TopicPartition]) -> None:
        """Have all."""

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Keep what it was given, until it is stopped."""
        if revoked:
            await asyncio.Event().wait()


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
            async with self._at_the_door() as waiting_for:
                processes = await stack.enter_async_context(self._spawned(dsn, members))
                await waiting_for(processes)
            await until(partial(self._shared_out, processes), PATIENCE, SEEN_EVERY)
            named = {f"process {number}": each.process for number, each in enumerate(processes, 1)}
            meter = Meter({**named, **self._heard.recorded.servers.processes})
            before = await connection.fetchval(APPLIED)
            if before > total / 2:
                message = f"{before:,} of {total:,} were applied before each of {members} had its part"
                raise RuntimeError(message)

            async def over() -> bool:
                return bool(await connection.fetchval(APPLIED) >= total)

            await until(over, PATIENCE, SEEN_EVERY)
            lap = meter.rate(total - before)
            await self._heard.recorded.check(SERVICE, dsn)
            return lap

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

    @asynccontextmanager
    async def _at_the_door(self) -> AsyncIterator[Callable[[Sequence[ServiceUnderTest]], Awaitable[None]]]:
        """Be a member before all others, and keep the group from being shared out until they are waiting for it.

        Who leaves last lets them in: none begins before another. Give what waits for them.
        """
        usher = AIOKafkaConsumer(bootstrap_servers=self._rig.bootstrap, group_id=self._group, **LONG)
        usher.subscribe(self._heard.topics, listener=Usher())

        async def all_there(processes: Sequence[ServiceUnderTest]) -> bool:
            return still_there(processes) and (await self._standing())[1] > len(processes)

        async def wait(processes: Sequence[ServiceUnderTest]) -> None:
            await until(partial(all_there, processes), PATIENCE, SEEN_EVERY)

        async with connected(usher.start, usher.stop):
            yield wait

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
        cpu_of="the processes, PostgreSQL, Kafka",
    )


ROWS = (row("two", 2), row("three", 3))
