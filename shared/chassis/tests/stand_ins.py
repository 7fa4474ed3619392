"""A feed without its service, and a topic of a test's own on the real Kafka."""

import asyncio
import os
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import orjson
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from chassis.consume.feed_client import FeedClient
from chassis.events.lanes import LANES
from chassis.events.record import Position, Record
from chassis.run.settings import Settings
from chassis.run.topics import ensure_topics, wait_for_topics


class Owner:
    """A feed of orders without the service: everything it ever wrote. It can be set back, and notes who asks what."""

    def __init__(self) -> None:
        self.log: dict[int, list[Record]] = {}
        self.away, self.mute = False, False
        self.broken_lane, self.broken = -1, httpx.Response(500)
        self.incarnation, self.starts = 1, dict.fromkeys(range(LANES), 1)
        self.forgotten: set[int] = set()
        self.asked: list[dict[str, str]] = []

    def write(self, *records: Record) -> None:
        for record in records:
            self.log.setdefault(record.lane, []).append(record)

    def set_back(self, *records: Record) -> None:
        """Lose all but these records, and begin the next incarnation."""
        self.log.clear()
        self.write(*records)
        self.incarnation += 1
        self.starts = {lane: len(self.log.get(lane, ())) + 1 for lane in range(LANES)}

    def client(self) -> FeedClient:
        return FeedClient(lambda source: f"http://{source}", "", httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.away:
            return httpx.Response(503)
        if request.url.path.endswith("/heads"):
            heads = {
                lane: {"incarnation": self.incarnation, "sequence": n, "published": n}
                for lane, n in self._heads().items()
            }
            return httpx.Response(200, json={"heads": heads})
        if request.url.path.endswith("/restate"):
            if self.mute:
                return httpx.Response(503)
            self.asked += orjson.loads(request.content)["seen"]
            return httpx.Response(200, json={"restated": 0})
        lane, after = int(request.url.params["lane"]), Position.parse(request.url.params["after"])
        if lane == self.broken_lane:
            return self.broken
        resumed = after.sequence
        if after.incarnation < self.incarnation > 1:
            resumed = min(resumed, self.starts[lane] - 1)
        found = [record for record in self.log.get(lane, ()) if record.sequence > resumed][:7]
        current = self.incarnation if resumed + 1 >= self.starts[lane] else 1
        position = found[-1].position if found else Position(max(after.incarnation, current), resumed)
        items = [record.as_json() for record in found]
        known = after.incarnation not in self.forgotten
        page = {"items": items, "resumed": resumed, "position": str(position), "known": known}
        return httpx.Response(200, content=orjson.dumps(page, default=str))

    def _heads(self) -> dict[int, int]:
        return {lane: len(self.log.get(lane, ())) for lane in range(LANES)}


class Topic:
    """A topic of a test's own; its name ends in the source's, before that comes the prefix."""

    def __init__(self, bootstrap: str, partitions: int) -> None:
        self.bootstrap, self.partitions, self.prefix = bootstrap, partitions, f"c{uuid4().hex[:10]}."
        self.name = self.prefix + "orders"

    async def make(self) -> None:
        await ensure_topics(self.bootstrap, [self.name], self.partitions, Settings.model_fields["replication"].default)
        await wait_for_topics(self.bootstrap, [self.name])

    async def drop(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        await admin.delete_topics([self.name])
        await admin.close()

    async def send(self, *records: Record | tuple[int, bytes | None]) -> None:
        """Send records as the relay does, and garbage as (partition, value)."""
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all", linger_ms=5) as producer:
            answers = []
            for each in records:
                if isinstance(each, Record):
                    value, key, headers, partition = each.body, each.key, each.headers(), each.lane % self.partitions
                    sent = producer.send(self.name, value, str(key).encode(), partition, headers=headers)
                else:
                    sent = producer.send(self.name, each[1], b"\xff", each[0], headers=[("ce_lane", b"\xff")])
                answers.append(await sent)
            await asyncio.gather(*answers)

    async def read(self) -> list[ConsumerRecord]:
        """Return everything in the topic, partition by partition."""
        places = [TopicPartition(self.name, number) for number in range(self.partitions)]
        found: list[ConsumerRecord] = []
        async with AIOKafkaConsumer(bootstrap_servers=self.bootstrap) as consumer:
            consumer.assign(places)
            ends = await consumer.end_offsets(places)
            for place in places:
                consumer.seek(place, 0)
            while len(found) < sum(ends.values()):
                for records in (await consumer.getmany(timeout_ms=1000)).values():
                    found += records
        return sorted(found, key=lambda record: (record.partition, record.offset))


@pytest_asyncio.fixture
async def topic() -> AsyncIterator[Topic]:
    bootstrap = os.environ.get("KLIENTELA_TEST_KAFKA")
    if not bootstrap:
        pytest.skip("KLIENTELA_TEST_KAFKA is not set: run the tests with ./klientela test")
    made = Topic(bootstrap, 4)
    await made.make()
    yield made
    await made.drop()


@pytest.fixture
def owner() -> Owner:
    return Owner()
