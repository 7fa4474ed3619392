"""The relay against a select and a send of the same bytes.

The floor reads a window while the one before is being sent, as the relay does, from tables that know themselves, and
has the headers ready made. Both are warm: they have published an event of each lane before the clock starts.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer

from bench.paid_orders import write_paid_orders
from bench.race import Lap, Race, Row
from bench.servers import HERE_AND_SERVERS, PARTITIONS, Servers, opened
from bench.share import scaled, unit
from bench.stopwatch import until_over
from bench.track import Track
from chassis.closing import connected
from chassis.database import Database
from chassis.events.lanes import LANES
from chassis.events.log import read_log
from chassis.events.relay import Relay
from chassis.events.window import WINDOW

EVENTS = scaled(192_000, 500)
"""Two seconds of work: laps of half a second, of which the first window is a tenth, lay 17 to 33 % apart."""
SEEN_EVERY, SEEN_AT_LAST = 0.05, 0.005
"""Seconds between two looks at the cursors, and when most is done: each look costs what is looked at."""
NEXT = (
    "select e.* from unnest($1::smallint[]) l(lane) cross join lateral"
    " (select lane, sequence, id, key, at, body from chassis.events where lane = l.lane and sequence > $2"
    " order by sequence limit $3) e"
)
BACK_BY_ONE = "update chassis.cursors set sequence = greatest(sequence - 1, 0)"
LEFT = "select coalesce(sum(head - sequence), 0) from chassis.counters join chassis.cursors using (lane)"


class Relaying:
    """A log of payments that is published again and again."""

    def __init__(self, servers: Servers, database: Database, topic: str, headers: dict[Any, Any]) -> None:
        """Name what is published where; ``headers`` are known beforehand by the events' ids, which a floor may."""
        self.servers, self.database, self.topic, self._headers = servers, database, topic, headers

    async def floor(self) -> Lap:
        """Select windows of all lanes, append to a batch per partition, send, read on, wait for the answers."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.servers.kafka.bootstrap, enable_idempotence=True, acks="all", linger_ms=0,
            max_batch_size=512 * 1024, max_request_size=1_048_576,
        )  # fmt: skip
        async with self.database.pool.acquire() as connection, connected(producer.start, producer.stop):
            select = await connection.prepare(NEXT)
            await self._send(producer, await select.fetch(range(LANES), 0, 1))
            before = await self.servers.records([self.topic])
            meter, after = self.servers.meter(), 0
            rows = await select.fetch(range(LANES), after, WINDOW)
            while rows:
                after += WINDOW
                rows, _ = await asyncio.gather(select.fetch(range(LANES), after, WINDOW), self._send(producer, rows))
            lap = meter.rate(EVENTS)
        await self._check(before)
        return lap

    async def _send(self, producer: AIOKafkaProducer, rows: Sequence[asyncpg.Record]) -> None:
        answers = []
        by_partition: list[list[asyncpg.Record]] = [[] for _ in range(PARTITIONS)]
        for row in rows:
            by_partition[row["lane"] % PARTITIONS].append(row)
        for partition, mine in enumerate(by_partition):
            batch = producer.create_batch()
            for row in mine:
                said = {
                    "key": str(row["key"]).encode(), "value": row["body"], "headers": self._headers[row["id"]],
                    "timestamp": int(row["at"].timestamp() * 1000),
                }  # fmt: skip
                if batch.append(**said) is None:
                    answers.append(await producer.send_batch(batch, self.topic, partition=partition))
                    batch = producer.create_batch()
                    batch.append(**said)
            answers.append(await producer.send_batch(batch, self.topic, partition=partition))
        await asyncio.gather(*answers)

    async def ours(self) -> Lap:
        """Let a relay that is at work see the whole log, until its cursors are at the heads.

        Connecting, and looking for a rewind, are no part of the race.
        """
        over, laps = asyncio.Event(), list[Lap]()

        async def time_it() -> None:
            await self.database.pool.execute(BACK_BY_ONE)
            await self._all_published()
            before = await self.servers.records([self.topic])
            meter = self.servers.meter()
            await self.database.pool.execute("update chassis.cursors set sequence = 0")
            self.database.committed.set()
            await self._all_published()
            laps.append(meter.rate(EVENTS))
            await self._check(before)
            over.set()

        relay = Relay(self.database, "orders", self.servers.kafka.bootstrap, self.topic)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(time_it())
            tasks.create_task(until_over(relay.run(), over))
        return laps[0]

    async def _all_published(self) -> None:
        while left := await self.database.pool.fetchval(LEFT):  # noqa: ASYNC110 - a relay tells nobody
            await asyncio.sleep(SEEN_EVERY if left > WINDOW * LANES else SEEN_AT_LAST)

    async def _check(self, before: int) -> None:
        """Raise RuntimeError unless the topic has each event once more than before."""
        if (found := await self.servers.records([self.topic]) - before) != EVENTS:
            message = f"the topic has {found} new records of {EVENTS} events"
            raise RuntimeError(message)


@asynccontextmanager
async def open_relaying(track: Track) -> AsyncIterator[Race]:
    """Write the log once, and have the database know its tables, as it does after a while by itself."""
    servers = await track.servers()
    async with servers.tables_of(None) as dsn, opened(dsn) as database, servers.topic() as topic:
        await write_paid_orders(database, EVENTS)
        await database.pool.execute("vacuum analyze")
        async with database.pool.acquire() as connection:
            headers = {record.id: record.headers() for record in await read_log(connection, "orders")}
        yield Relaying(servers, database, topic, headers)


ROWS = (
    Row(
        "relay",
        "events published from the log to Kafka",
        "select and send_batch of the same bytes, headers ready made",
        unit("events/s"),
        bar=0.8,
        least=True,
        open=open_relaying,
        cpu_of=HERE_AND_SERVERS,
    ),
)
