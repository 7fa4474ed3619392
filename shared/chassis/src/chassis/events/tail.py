"""The topic's tail: what Kafka has beyond the cursors, which tells of a database that was set back silently.

An image of a disk that was put back has the identity it had, so the database itself cannot know. But Kafka still has
what was published since, which the log does not. If that is gone from Kafka, too, nobody can tell.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing

from aiokafka import AIOKafkaConsumer, TopicPartition

from chassis.closing import connected
from chassis.database import Connection
from chassis.events.lanes import partition_of
from chassis.events.record import Record, from_headers

PATIENCE_MS = 20_000
UNKNOWN = """
    select count(*)
    from unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::uuid[]) as said(lane, sequence, incarnation, id)
    join chassis.cursors c on c.lane = said.lane and said.sequence > c.sequence
    where not exists (
        select from chassis.events e
        where e.lane = said.lane and e.sequence = said.sequence and e.incarnation = said.incarnation and e.id = said.id
    ) and not exists (
        select from chassis.incarnations i
        where i.lane = said.lane and i.number > said.incarnation and i.from_sequence <= said.sequence
    )
"""


async def was_set_back(connection: Connection, source: str, bootstrap: str, places: Sequence[TopicPartition]) -> bool:
    """Tell whether Kafka has, beyond the cursors, what the log does not have and no incarnation has taken back.

    ``places`` are all partitions of the source's topic.
    """
    offsets = dict.fromkeys(places, 0)
    for lane, partition, offset in await connection.fetch("select lane, partition, next_offset from chassis.cursors"):
        if partition_of(lane, len(places)) == partition:  # else the topic has grown since: another one's offset
            offsets[places[partition]] = max(offsets[places[partition]], offset)
    async with aclosing(_beyond(source, bootstrap, offsets)) as beyond:
        async for records in beyond:
            said = [(record.lane, record.sequence, record.incarnation, record.id) for record in records]
            if said and await connection.fetchval(UNKNOWN, *(list(column) for column in zip(*said, strict=True))):
                return True
    return False


async def _beyond(
    source: str, bootstrap: str, offsets: Mapping[TopicPartition, int]
) -> AsyncGenerator[Sequence[Record]]:
    """Read what partitions have from offsets to their ends; strangers are passed over."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    async with connected(consumer.start, consumer.stop, PATIENCE_MS / 1000):
        async with asyncio.timeout(PATIENCE_MS / 1000):
            begins, ends = await consumer.beginning_offsets(list(offsets)), await consumer.end_offsets(list(offsets))
        # an offset beyond the end is one of a topic that was made anew, or lost its tail: all of it is read
        known = {place: offset for place, offset in offsets.items() if offset <= ends[place]}
        starts = {place: max(begins[place], known.get(place, 0)) for place in offsets}
        left = [place for place, end in ends.items() if starts[place] < end]
        consumer.assign(left)
        for place in left:
            consumer.seek(place, starts[place])
        while left:
            found = await consumer.getmany(*left, timeout_ms=PATIENCE_MS)
            if not found:
                message = f"{left[0].topic} does not give what it has"
                raise TimeoutError(message)
            yield [record for batch in found.values() for record in _readable(source, batch)]
            left = [place for place in left if await consumer.position(place) < ends[place]]


def _readable(source: str, batch: Sequence[object]) -> list[Record]:
    records = []
    for found in batch:
        try:
            records.append(from_headers(source, found.key, found.headers, found.value))  # type: ignore[attr-defined]
        except (KeyError, ValueError):
            continue
    return records
