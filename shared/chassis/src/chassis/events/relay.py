"""The relay: publishes the event log to Kafka, each lane in its order, from a cursor moved only on the broker's answer.

One is active per service: whoever holds the advisory lock, on a connection of its own. Cursors are written through that
very session, so a relay that lost it can move nothing. On any error of sending, the producer is closed and all starts
again from the cursors: the same rows in the same order, which consumers know by their numbers. Cursors wait for no
disk: one that a crash of the database sets back is as good as one that was not moved yet.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeAlias

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import ProducerClosed

from chassis.closing import connected
from chassis.database import Database
from chassis.events.incarnations import begin_incarnation, begin_incarnation_at_cursors
from chassis.events.lanes import NEWS_OF_TOPICS_MS, check_partitions, partition_of
from chassis.events.partitions import ensure_partitions
from chassis.events.record import headers_of
from chassis.events.tail import was_set_back
from chassis.events.window import LARGEST_WINDOW, OF_ALL_LANES, WINDOW, Waiting, last_of_each
from chassis.points import reach

LOCK = 7_250_101
MUCH = 2_000
"""Rows of a window behind which more follows, most likely, and which does not wait until the one before is answered."""
IDLE = (0.05, 0.2)
"""Seconds between two looks, at first and at last, for what other processes have written; of its own it is told."""
ANSWERED_WITHIN = 60.0
"""Seconds in which the broker takes in what a partition is given; Kafka's client would try without end."""
NOTHING: Mapping[int, int] = {}
Session: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
log = structlog.get_logger()


class Answers(NamedTuple):
    """What became of a window: what the broker stored, by partition with the offset after it, and how others failed."""

    stored: list[tuple[int, int, Sequence[Waiting]]]
    failed: list[BaseException]


class UnderWay:
    """Windows that the broker has not answered yet, oldest first; ``sent`` is the last number of each lane in them."""

    def __init__(self) -> None:
        self._sending: deque[asyncio.Task[Answers]] = deque()
        self.sent: dict[int, int] = {}

    @property
    def windows(self) -> int:
        """How many they are."""
        return len(self._sending)

    def add(self, sending: "asyncio.Task[Answers]", records: Sequence[Waiting]) -> None:
        """Add a window that is being sent."""
        self._sending.append(sending)
        self.sent |= last_of_each(records)

    async def answered(self) -> Answers:
        """Wait for the answers to the oldest one, and take it out."""
        answers = await self._sending[0]
        self._sending.popleft()
        if not self._sending:
            self.sent.clear()
        return answers

    async def give_up(self) -> None:
        """Wait for no answers any more: what was not noted is sent again."""
        for sending in self._sending:
            sending.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)


class Relay:
    """Publishes one service's log until cancelled."""

    def __init__(self, database: Database, source: str, bootstrap: str, topic: str) -> None:
        self.database, self.source, self.bootstrap, self.topic = database, source, bootstrap, topic

    async def run(self) -> None:
        """Wait for the lock, then publish until something fails; the caller starts again."""
        session = await self.database.connect()
        try:
            while not await session.fetchval("select pg_try_advisory_lock($1)", LOCK):  # noqa: ASYNC110  # lint-skip: session-changed its own
                await asyncio.sleep(0.5)  # another process has it
            producer = AIOKafkaProducer(
                bootstrap_servers=self.bootstrap, enable_idempotence=True, acks="all", linger_ms=0,
                max_batch_size=512 * 1024, max_request_size=1_048_576, compression_type=None, request_timeout_ms=20_000,
                metadata_max_age_ms=NEWS_OF_TOPICS_MS,
            )  # fmt: skip
            async with connected(producer.start, producer.stop):
                try:
                    await self._publish(session, producer)
                finally:
                    _abandon(producer)
        finally:
            session.terminate()

    async def _publish(self, session: Session, producer: AIOKafkaProducer) -> None:
        pause = IDLE[0]
        await begin_incarnation(session, await self.database.identify(session))
        places = [TopicPartition(self.topic, n) for n in range(len(await producer.partitions_for(self.topic)))]
        if await was_set_back(session, self.source, self.bootstrap, places):
            log.error("the database was set back: Kafka has events that the log does not have")
            await begin_incarnation_at_cursors(session)
        await ensure_partitions(session)
        await session.execute("set synchronous_commit = off")  # lint-skip: session-changed its own
        under_way = UnderWay()
        try:
            while True:
                self.database.committed.clear()
                records = await self._window(session)
                if records:
                    pause = IDLE[0]
                while records:
                    records = await self._send_and_read_on(session, producer, records, under_way)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.database.committed.wait(), pause)
                pause = min(pause * 1.5, IDLE[1])
        finally:
            await under_way.give_up()

    async def _window(self, session: Session, sent: Mapping[int, int] = NOTHING) -> list[Waiting]:
        """Read what follows the cursors, and what was ``sent``: the last number of each lane."""
        rows = await session.fetch(OF_ALL_LANES, WINDOW, LARGEST_WINDOW, list(sent), list(sent.values()))
        if rows:
            reach("relay.read")
        return [Waiting(*row) for row in rows]

    async def _send_and_read_on(
        self, session: Session, producer: AIOKafkaProducer, records: Sequence[Waiting], under_way: UnderWay
    ) -> list[Waiting]:
        """Send a window and read the next one meanwhile; move the cursors of what the broker has answered.

        While much follows, one window is being answered as another one is put together: a broker answers all of a
        request at once. Raises what the broker said of any other, or that it said nothing, so that all starts again
        from the cursors.
        """
        under_way.add(asyncio.create_task(self._send(producer, records)), records)
        following = await self._window(session, under_way.sent) if _is_much(records) else []
        while under_way.windows > (1 if len(following) >= MUCH else 0):
            answers = await under_way.answered()
            await _move_cursors(session, answers.stored)
            if answers.failed:
                raise answers.failed[0]
        if any(record.sequence % 10_000 == 0 for record in records):
            await ensure_partitions(session)
        return following

    async def _send(self, producer: AIOKafkaProducer, records: Sequence[Waiting]) -> Answers:
        """Send a window, partition by partition."""
        partitions = check_partitions(len(await producer.partitions_for(self.topic)))  # they may have grown
        by_partition: dict[int, list[Waiting]] = defaultdict(list)
        for record in records:
            by_partition[partition_of(record.lane, partitions)].append(record)
        sending = (self._send_partition(producer, partition, mine) for partition, mine in by_partition.items())
        answers = await asyncio.gather(*sending, return_exceptions=True)
        reach("relay.acknowledged")
        found = Answers([], [])
        for (partition, mine), answer in zip(by_partition.items(), answers, strict=True):
            if isinstance(answer, BaseException):
                found.failed.append(answer)
            else:
                found.stored.append((partition, answer, mine))
        return found

    async def _send_partition(self, producer: AIOKafkaProducer, partition: int, records: Sequence[Waiting]) -> int:
        """Send the records of one partition, batch by batch; return the offset after them, 0 if the broker is silent.

        It has no offset for what it knows it has already.
        """
        answers = []
        batch = producer.create_batch()
        async with asyncio.timeout(ANSWERED_WITHIN):
            for record in records:
                if not self._append(batch, record):
                    answers.append(await producer.send_batch(batch, self.topic, partition=partition))
                    batch = producer.create_batch()
                    if not self._append(batch, record):
                        message = f"event {record.sequence} of lane {record.lane} does not fit into an empty batch"
                        raise RuntimeError(message)
            answers.append(await producer.send_batch(batch, self.topic, partition=partition))
            reach("relay.sent")
            *_, last = await asyncio.gather(*answers)
        return last.offset + batch.record_count() if last.offset >= 0 else 0

    def _append(self, batch: Any, event: Waiting) -> bool:  # noqa: ANN401 - aiokafka has no types
        added = batch.append(
            key=str(event.key).encode(),
            value=event.body,
            timestamp=int(event.at.timestamp() * 1000),
            headers=headers_of(self.source, event.at, event.line),
        )
        return added is not None


def _is_much(records: Sequence[Waiting]) -> bool:
    return len(records) >= MUCH or sum(len(record.body) for record in records) >= LARGEST_WINDOW


def _abandon(producer: AIOKafkaProducer) -> None:
    """Give up what the broker has not answered: a producer that stops would wait for it, and it is sent again."""
    producer._message_accumulator.fail_all(ProducerClosed())  # noqa: SLF001 - it offers no other way


async def _move_cursors(session: Session, stored: Sequence[tuple[int, int, Sequence[Waiting]]]) -> None:
    """Move the cursors of events, which come with their partition and the offset after them."""
    last = {lane: (sequence, *place) for *place, sent in stored for lane, sequence in last_of_each(sent).items()}
    sequences, partitions, offsets = zip(*last.values(), strict=True) if last else ((), (), ())
    await session.execute(
        "update chassis.cursors c set sequence = n.sequence, partition = n.partition,"
        " next_offset = case when n.next_offset > 0 or c.partition <> n.partition then n.next_offset"
        " else c.next_offset end"
        " from unnest($1::smallint[], $2::bigint[], $3::int[], $4::bigint[]) n(lane, sequence, partition, next_offset)"
        " where c.lane = n.lane and c.sequence < n.sequence",
        list(last),
        sequences,
        partitions,
        offsets,
    )
    reach("cursor.written")
