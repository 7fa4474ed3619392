"""The relay: publishes the event log to Kafka, each lane in its order, from a cursor moved only on the broker's answer.

One is active per service: whoever holds the advisory lock, on a connection of its own. Cursors are written through that
very session, so a relay that lost it can move nothing. On any error of sending, the producer is closed and all starts
again from the cursors: the same rows in the same order, which consumers know by their numbers.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import ProducerClosed

from chassis.closing import connected
from chassis.database import Database
from chassis.events.incarnations import begin_incarnation, begin_incarnation_at_cursors
from chassis.events.lanes import NEWS_OF_TOPICS_MS, check_partitions, partition_of
from chassis.events.log import record_of
from chassis.events.partitions import ensure_partitions
from chassis.events.record import Record
from chassis.events.tail import was_set_back
from chassis.events.unit import EVENT_COLUMNS
from chassis.points import reach

LOCK = 7_250_101
WINDOW, LARGEST_WINDOW = 200, 1024 * 1024
"""Rows per lane in one window, and bytes of bodies after which a lane gives it no more."""
OF_ALL_LANES = f"""
    select {", ".join(f"e.{column}" for column in EVENT_COLUMNS)}
    from chassis.cursors c join chassis.counters h using (lane)
    left join unnest($3::smallint[], $4::bigint[]) sent(lane, sequence) using (lane)
    cross join lateral (
        select *, sum(length(body)) over (order by sequence) - length(body) as before from (
            select * from chassis.events where lane = c.lane and sequence > greatest(c.sequence, sent.sequence)
            order by sequence limit $1
        ) following
    ) e where h.head > greatest(c.sequence, sent.sequence) and e.before < $2 order by c.lane, e.sequence
"""  # noqa: S608 - a constant
"""What follows the cursors, or what was sent last where that is further. By the cursors' lane, not the events', it is
sorted lane by lane: all lanes' bodies at once would be sorted on the disk (14 MB, 22 µs an event in place of 10).
"""
IDLE = (0.01, 0.2)
ANSWERED_WITHIN = 60.0
"""Seconds in which the broker takes in what a partition is given; Kafka's client would try without end."""
NOTHING: Mapping[int, int] = {}
log = structlog.get_logger()


class Answers(NamedTuple):
    """What became of a window: what the broker stored, by partition with the offset after it, and how others failed."""

    stored: list[tuple[int, int, Sequence[Record]]]
    failed: list[BaseException]


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

    async def _publish(self, session: "asyncpg.Connection[asyncpg.Record]", producer: AIOKafkaProducer) -> None:
        pause = IDLE[0]
        await begin_incarnation(session, await self.database.identify(session))
        places = [TopicPartition(self.topic, n) for n in range(len(await producer.partitions_for(self.topic)))]
        if await was_set_back(session, self.source, self.bootstrap, places):
            log.error("the database was set back: Kafka has events that the log does not have")
            await begin_incarnation_at_cursors(session)
        await ensure_partitions(session)
        while True:
            self.database.committed.clear()
            records = await self._window(session)
            if records:
                pause = IDLE[0]
            while records:
                records = await self._send_and_read_on(session, producer, records)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.database.committed.wait(), pause)
            pause = min(pause * 1.5, IDLE[1])

    async def _window(
        self, session: "asyncpg.Connection[asyncpg.Record]", sent: Mapping[int, int] = NOTHING
    ) -> list[Record]:
        """Read what follows the cursors, and what was ``sent``: the last number of each lane."""
        rows = await session.fetch(OF_ALL_LANES, WINDOW, LARGEST_WINDOW, list(sent), list(sent.values()))
        if rows:
            reach("relay.read")
        return [record_of(self.source, row) for row in rows]

    async def _send_and_read_on(
        self, session: "asyncpg.Connection[asyncpg.Record]", producer: AIOKafkaProducer, records: Sequence[Record]
    ) -> list[Record]:
        """Send a window and read the next one meanwhile; move the cursors of what the broker has answered.

        Raises what the broker said of any other, or that it said nothing, so that all starts again from the cursors.
        """
        sent = {record.lane: record.sequence for record in records}
        answers, following = await asyncio.gather(
            self._send(producer, records), self._window(session, sent), return_exceptions=True
        )  # none of the two goes on without the other
        if isinstance(answers, BaseException):
            raise answers
        if isinstance(following, BaseException):
            raise following
        await _move_cursors(session, answers.stored)
        if answers.failed:
            raise answers.failed[0]
        if any(record.sequence % 10_000 == 0 for record in records):
            await ensure_partitions(session)
        return following

    async def _send(self, producer: AIOKafkaProducer, records: Sequence[Record]) -> Answers:
        """Send a window, partition by partition."""
        partitions = check_partitions(len(await producer.partitions_for(self.topic)))  # they may have grown
        by_partition: dict[int, list[Record]] = defaultdict(list)
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

    async def _send_partition(self, producer: AIOKafkaProducer, partition: int, records: Sequence[Record]) -> int:
        """Send the records of one partition, batch by batch; return the offset after them, 0 if the broker is silent.

        It has no offset for what it knows it has already.
        """
        answers = []
        batch = producer.create_batch()
        async with asyncio.timeout(ANSWERED_WITHIN):
            for record in records:
                if not _append(batch, record):
                    answers.append(await producer.send_batch(batch, self.topic, partition=partition))
                    batch = producer.create_batch()
                    if not _append(batch, record):
                        message = f"event {record.id} does not fit into an empty batch"
                        raise RuntimeError(message)
            answers.append(await producer.send_batch(batch, self.topic, partition=partition))
            reach("relay.sent")
            *_, last = await asyncio.gather(*answers)
        return last.offset + batch.record_count() if last.offset >= 0 else 0


def _abandon(producer: AIOKafkaProducer) -> None:
    """Give up what the broker has not answered: a producer that stops would wait for it, and it is sent again."""
    producer._message_accumulator.fail_all(ProducerClosed())  # noqa: SLF001 - it offers no other way


def _append(batch: object, record: Record) -> bool:
    timestamp = int(record.at.timestamp() * 1000)
    key = str(record.key).encode()
    added = batch.append(key=key, value=record.body, timestamp=timestamp, headers=record.headers())  # type: ignore[attr-defined]
    return added is not None


async def _move_cursors(
    session: "asyncpg.Connection[asyncpg.Record]", stored: Sequence[tuple[int, int, Sequence[Record]]]
) -> None:
    """Move the cursors of records, which come with their partition and the offset after them."""
    last = {record.lane: (record.sequence, *place) for *place, records in stored for record in records}
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
