"""The relay against a select and a send of the same bytes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer

from bench.paid_orders import write_paid_orders
from bench.race import Lap, Race, Row
from bench.servers import PARTITIONS, Servers, opened
from bench.stopwatch import Stopwatch, until_over
from bench.track import Track
from chassis.closing import connected
from chassis.database import Database
from chassis.events.lanes import LANES
from chassis.events.log import read_log
from chassis.events.relay import WINDOW, Relay

EVENTS = 48_000
SEEN_EVERY = 0.05
NEXT = (
    "select lane, sequence, id, key, at, body from chassis.events where lane = any($1::smallint[])"
    " and sequence > $2 and sequence <= $2 + $3 order by lane, sequence"
)
BACK_BY_ONE = "update chassis.cursors set sequence = greatest(sequence - 1, 0)"
LEFT = "select coalesce(sum(head - sequence), 0) from chassis.counters join chassis.cursors using (lane)"


class Relaying:
    """A log of payments that is published again and again."""

    def __init__(self, servers: Servers, database: Database, topic: str, headers: dict[Any, Any]) -> None:
        """Name what is published where; ``headers`` are known beforehand by the events' ids, which a floor may."""
        self.servers, self.database, self.topic, self._headers = servers, database, topic, headers

    async def floor(self) -> Lap:
        """Select windows of all lanes, append to a batch per partition, send, wait for the answers."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.servers.kafka.bootstrap, enable_idempotence=True, acks="all", linger_ms=0,
            max_batch_size=512 * 1024, max_request_size=1_048_576,
        )  # fmt: skip
        async with self.database.pool.acquire() as connection, connected(producer.start, producer.stop):
            watch = Stopwatch()
            after = 0
            while rows := await connection.fetch(NEXT, list(range(LANES)), after, WINDOW):
                await self._send(producer, rows)
                after += WINDOW
            return watch.rate(EVENTS)

    async def _send(self, producer: AIOKafkaProducer, rows: list[asyncpg.Record]) -> None:
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

        It is at work once it has published one event: connecting, and looking for a rewind, are no part of the race.
        """
        over, laps = asyncio.Event(), list[Lap]()

        async def time_it() -> None:
            await self.database.pool.execute(BACK_BY_ONE)
            await self._all_published()
            watch = Stopwatch()
            await self.database.pool.execute("update chassis.cursors set sequence = 0")
            self.database.committed.set()
            await self._all_published()
            laps.append(watch.rate(EVENTS))
            over.set()

        relay = Relay(self.database, "orders", self.servers.kafka.bootstrap, self.topic)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(time_it())
            tasks.create_task(until_over(relay.run(), over))
        return laps[0]

    async def _all_published(self) -> None:
        while await self.database.pool.fetchval(LEFT):  # noqa: ASYNC110 - a relay tells nobody
            await asyncio.sleep(SEEN_EVERY)


@asynccontextmanager
async def open_relaying(track: Track) -> AsyncIterator[Race]:
    """Write the log once."""
    servers = await track.servers()
    async with opened(await servers.log()) as database:
        await write_paid_orders(database, EVENTS)
        async with database.pool.acquire() as connection:
            headers = {record.id: record.headers() for record in await read_log(connection, "orders")}
        yield Relaying(servers, database, await servers.topic(), headers)


ROWS = (
    Row(
        "relay",
        "events published from the log to Kafka",
        "select and send_batch of the same bytes, headers ready made",
        "events/s",
        bar=0.8,
        least=True,
        open=open_relaying,
    ),
)
