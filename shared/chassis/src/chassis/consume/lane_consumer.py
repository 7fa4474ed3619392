"""The lane consumer: our own loop on aiokafka, since every framework's acknowledgements lose messages (ADR 3).

Offsets are only a hint and always explicit; the truth is the progress in the database, and who keeps places there (a
topic from outside) commits none. Workers apply what came of their partitions in order, all of it together; partitions
of a worker with a full buffer are asked for no more, and what the client has fetched of them waits as bytes. A
rebalance, at which every member gives all its partitions up, waits for the batches in flight.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from chassis.closing import close, connected
from chassis.events.lanes import NEWS_OF_TOPICS_MS
from chassis.points import reach

FETCH = 500
BUFFER = 1_000
"""Records a worker may have waiting before its partitions are asked for no more."""
SHARES = 2
"""Workers of a topic, so that one decides while the other one waits for the database."""
LONGEST_POLL_MS, MAKING_ROOM_MS = 100, 5
"""For so long the broker, and we, wait for news; and for so long where something has no room yet."""
STUCK_AFTER = 300.0
"""Seconds a batch may take; then the consumer is started anew from the offsets."""
REBALANCING = 60.0
"""Seconds that a group waits for its members' batches before it is shared out; who joins waits a little longer."""
COMMITTING = 5.0
"""Seconds that offsets, which are only a hint, may keep us from reading and from seeing what has failed."""
CLOSING = 5.0
"""Seconds that a batch in flight has to end when the process is asked to."""
NOTHING_FOR = 3.0
"""Seconds after which a named member is given something, if there is anything for it."""
Apply = Callable[[str, Sequence[ConsumerRecord]], Awaitable[None]]
Begin = Callable[[Iterable[TopicPartition]], Awaitable[Mapping[TopicPartition, int]]]
"""Where to read on in partitions, for who knows better than the group's offsets."""
log = structlog.get_logger()


class Regroup(Exception):
    """A member with a name was given partitions of another day: it has to join the group without one."""


class Worker:
    """Applies what waits of some partitions of a topic, in order; ``drain`` waits for the batch in flight, no more.

    What came in any of them while the batch before was done goes together: a transaction costs as much for one record
    as for thirty. Where answers of the broker are kept ``apart``, a batch is of one: between two the topic may have
    become another one, which who numbers nothing sees only from one batch to the next.
    """

    def __init__(
        self, topic: str, apply: Apply, done: Callable[[str, Mapping[int, int]], None], *, apart: bool = False
    ) -> None:
        self.topic, self._apply, self._done, self._apart = topic, apply, done, apart
        self._answers: list[list[ConsumerRecord]] = []
        """What waits: answer by answer where they are kept apart, else all in one."""
        self._more = asyncio.Event()
        self._closing = False
        self.task = asyncio.create_task(self._run())

    def put(self, records: Sequence[ConsumerRecord]) -> None:
        """Add an answer of the broker to what waits."""
        if self._answers and not self._apart:
            self._answers[-1] += records
        elif records:
            self._answers.append(list(records))
        self._more.set()

    @property
    def full(self) -> bool:
        """Tell whether so much waits that there is to be no more for now."""
        return sum(map(len, self._answers)) >= BUFFER

    def _take(self) -> list[ConsumerRecord]:
        """Take the next batch out of what waits."""
        if not self._answers:
            return []
        batch, rest = self._answers[0][:FETCH], self._answers[0][FETCH:]
        self._answers[:1] = [rest] if rest else []
        return batch

    async def drain(self) -> None:
        """Let the batch in flight end, drop what waits, stop. A failed batch was not done and will be read again."""
        self._closing = True
        self._answers = []
        self._more.set()
        await asyncio.gather(self.task, return_exceptions=True)

    async def _run(self) -> None:
        while not self._closing:
            await self._more.wait()
            batch = self._take()
            if not self._answers:
                self._more.clear()
            if not batch or self._closing:
                continue
            async with asyncio.timeout(STUCK_AFTER):
                await self._apply(self.topic, batch)
            self._done(self.topic, {record.partition: record.offset + 1 for record in batch})


class LaneConsumer(ConsumerRebalanceListener):  # type: ignore[misc]
    """Reads topics as one member of a group and hands each partition's records, in order, to ``apply``.

    With the name of an ``instance`` a process that was started again takes its partitions back at once (KIP-345). The
    broker then asks nobody to share out anew, so such a member looks itself whether topics have grown or whether it was
    given nothing, and raises Regroup.
    """

    def __init__(
        self,
        bootstrap: str,
        group: str,
        topics: Sequence[str],
        apply: Apply,
        *,
        begin: Begin | None = None,
        instance: str | None = None,
    ) -> None:
        self.topics, self._apply, self._begin, self._named = topics, apply, begin, instance is not None
        self._partitions = 0
        self._begun = begin is None
        self._not_begun: Exception | None = None
        self._workers: dict[tuple[str, int], Worker] = {}
        self._offsets: dict[TopicPartition, int] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, group_id=group, group_instance_id=instance,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=10_000, rebalance_timeout_ms=int(REBALANCING * 1000),
            max_partition_fetch_bytes=2 * 1024 * 1024,
            fetch_max_wait_ms=LONGEST_POLL_MS, isolation_level="read_uncommitted",
            metadata_max_age_ms=NEWS_OF_TOPICS_MS,
        )  # fmt: skip

    async def run(self) -> None:
        """Consume until cancelled or until a worker fails; the caller starts again."""
        self._consumer.subscribe(list(self.topics), listener=self)
        async with connected(self._consumer.start, self._consumer.stop, 2 * REBALANCING, closing=2 * CLOSING):
            try:
                await self._read()
            finally:
                await self._drain()

    async def _read(self) -> None:
        commits = began = asyncio.get_running_loop().time()
        while True:
            found = await self._more()
            if self._not_begun:
                raise self._not_begun
            for partition, records in found.items() if self._begun else ():
                self._worker(partition).put(records)
            if asyncio.get_running_loop().time() - commits > 1:
                await self._commit(self._offsets)
                commits = asyncio.get_running_loop().time()
                self._check_share(commits - began)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Wait for the batches in flight, commit their offsets, drop what was fetched ahead."""
        self._begun = self._begin is None
        gone = {share for share in map(self._share_of, revoked) if share in self._workers}
        await asyncio.gather(*(self._workers.pop(share).drain() for share in gone))
        await self._commit({p: self._offsets.pop(p) for p in revoked if p in self._offsets})

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Go where ``begin`` says; workers are made with the first records.

        Until it has said so, what Kafka's client fetches meanwhile is dropped. If it does not say, ``run`` fails: the
        client would pass over the error and read on somewhere else.
        """
        try:
            for partition, offset in (await self._begin(assigned)).items() if self._begin else ():
                self._consumer.seek(partition, offset)
            self._begun = True
        except Exception as error:  # noqa: BLE001 - kept for run, whatever it was
            self._not_begun = error

    def _check_share(self, seconds: float) -> None:
        """Raise Regroup if a named member's partitions cannot be what a new sharing would give it."""
        partitions = sum(len(self._consumer.partitions_for_topic(topic) or ()) for topic in self.topics)
        nothing = not self._consumer.assignment() and seconds > NOTHING_FOR
        grown = self._partitions not in {0, partitions}
        self._partitions = partitions
        if self._named and partitions and (nothing or grown):
            raise Regroup

    def _share_of(self, partition: TopicPartition) -> tuple[str, int]:
        """Name those partitions of a topic that go together, or the partition alone where places are kept."""
        return partition.topic, partition.partition % SHARES if self._begin is None else partition.partition

    def _worker(self, partition: TopicPartition) -> Worker:
        share = self._share_of(partition)
        if share not in self._workers:
            self._workers[share] = Worker(partition.topic, self._apply, self._done, apart=self._begin is not None)
        return self._workers[share]

    def _done(self, topic: str, offsets: Mapping[int, int]) -> None:
        self._offsets |= {TopicPartition(topic, partition): offset for partition, offset in offsets.items()}

    def _hungry(self) -> list[TopicPartition]:
        """Return the partitions of which there may be more; pass on a worker's failure."""
        for worker in self._workers.values():
            if worker.task.done():
                worker.task.result()
        full = {share for share, worker in self._workers.items() if worker.full}
        return [partition for partition in self._consumer.assignment() if self._share_of(partition) not in full]

    async def _more(self) -> dict[TopicPartition, list[ConsumerRecord]]:
        """Wait for records of partitions that have room; for as short as it takes to make some where one has none."""
        hungry, assigned = self._hungry(), len(self._consumer.assignment())
        if assigned and not hungry:
            await asyncio.sleep(MAKING_ROOM_MS / 1000)
            return {}
        longest = LONGEST_POLL_MS if len(hungry) == assigned else MAKING_ROOM_MS
        found: dict[TopicPartition, list[ConsumerRecord]] = await self._consumer.getmany(
            *hungry, timeout_ms=longest, max_records=4 * FETCH
        )
        return found

    async def _commit(self, offsets: dict[TopicPartition, int]) -> None:
        if self._begin:
            return
        mine = self._consumer.assignment()
        news = {p: offset for p, offset in offsets.items() if p in mine and self._committed.get(p) != offset}
        if news:
            reach("offset.before")
            with contextlib.suppress(KafkaError, TimeoutError):  # the client would try for as long as a topic is away
                async with asyncio.timeout(COMMITTING):
                    await self._consumer.commit(news)
                self._committed |= news
            reach("offset.after")

    async def _drain(self) -> None:
        """Let batches in flight end, those of a database that is away not for ever: what is undone is read again."""
        draining = [asyncio.create_task(worker.drain()) for worker in self._workers.values()]
        try:
            if draining:
                await asyncio.wait(draining, timeout=CLOSING)
        finally:
            for worker in self._workers.values():
                worker.task.cancel()
            await asyncio.gather(*draining, return_exceptions=True)
            await close(self._commit(self._offsets))
