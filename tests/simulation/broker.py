"""A Kafka in memory that forgets, repeats and does not answer, and a feed that may be away."""

import asyncio
from random import Random
from types import SimpleNamespace
from typing import Any, NamedTuple

import httpx
import orjson

from chassis.events.log import FeedPage, Head, read_heads, read_page
from chassis.events.record import Position, from_json

LARGEST_BATCH = 3
PAGE = 4


class Kept(NamedTuple):
    """A message as a consumer gets it."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


class Topic:
    """Partitions with offsets; ``faulty`` makes answers go astray."""

    def __init__(self, chance: Random) -> None:
        self.chance, self.faulty = chance, True
        self.partitions: list[list[Kept]] = [[], []]
        self.begins = [0, 0]
        self.committed: dict[int, int] = {}

    def append(self, partition: int, key: bytes | None, value: bytes | None, headers: Any, timestamp: int = 0) -> None:
        kept = self.partitions[partition]
        kept.append(Kept(partition, self.begins[partition] + len(kept), timestamp, key, value, headers))

    def read(self, partition: int, offset: int, most: int) -> list[Kept]:
        """Read from an offset; one that does not exist means the earliest there is."""
        begin, kept = self.begins[partition], self.partitions[partition]
        if not begin <= offset <= begin + len(kept):
            offset = begin
        return kept[offset - begin : offset - begin + most]

    def strike(self) -> str:
        """Lose something that was acknowledged, repeat nothing, or grow."""
        partition = self.chance.randrange(len(self.partitions))
        kept = self.partitions[partition]
        what = self.chance.choice(("tail", "tail", "retention", "anew", "grow"))
        some = self.chance.randint(0, len(kept))
        if what == "tail":
            del kept[len(kept) - some :]
        elif what == "retention":
            del kept[:some]
            self.begins[partition] += some
        elif what == "anew":
            self.partitions = [[] for _ in self.partitions]
            self.begins = [0] * len(self.partitions)
        elif len(self.partitions) == 2:
            self.partitions += [[], []]
            self.begins += [0, 0]
        return what


class Producer:
    """What the relay takes for aiokafka's producer."""

    def __init__(self, topic: Topic) -> None:
        self.topic = topic

    async def partitions_for(self, _: str) -> set[int]:
        return set(range(len(self.topic.partitions)))

    def create_batch(self) -> Any:
        held: list[dict[str, Any]] = []

        def append(**message: Any) -> object | None:
            if len(held) == LARGEST_BATCH:
                return None
            held.append(message)
            return message

        return SimpleNamespace(append=append, held=held, record_count=lambda: len(held))

    async def send_batch(self, batch: Any, topic: str, partition: int) -> "asyncio.Future[Any]":
        answer = asyncio.get_running_loop().create_future()
        fate = self.topic.chance.random() if self.topic.faulty else 1
        for _ in range(0 if fate < 0.08 else 2 if fate < 0.16 else 1):
            for message in batch.held:
                self.topic.append(partition, **message)
        if fate < 0.08 or 0.16 < fate < 0.24:
            answer.set_exception(ConnectionError("no answer"))
        else:
            answer.set_result(SimpleNamespace(offset=-1))  # a broker may have none; silent rewinds are not simulated
        return answer


class Feed:
    """What a mender takes for the owners' feeds: the real pages and heads, through JSON as on the wire."""

    def __init__(self, pools: dict[str, Any], chance: Random) -> None:
        self.pools, self.chance, self.faulty = pools, chance, True

    async def page(self, source: str, lane: int, after: Position) -> FeedPage:
        self._perhaps_away()
        async with self.pools[source].acquire() as link:
            page = await read_page(link, source, lane, after, PAGE)
        items = [record.as_json() for record in page.records]
        return page._replace(records=[from_json(item) for item in orjson.loads(orjson.dumps(items, default=str))])

    async def heads(self, source: str) -> dict[int, Head]:
        self._perhaps_away()
        async with self.pools[source].acquire() as link:
            return await read_heads(link)

    def _perhaps_away(self) -> None:
        if self.faulty and self.chance.random() < 0.15:
            message = "away"
            raise httpx.ConnectError(message)
