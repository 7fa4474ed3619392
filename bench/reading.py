"""Consumers whose clock starts when they are given their partitions: what they read ahead counts, joining does not."""

from collections.abc import Callable, Iterable, Sequence
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from bench.stopwatch import Meter
from chassis.consume.lane_consumer import LONGEST_POLL_MS, Apply, LaneConsumer


class Clock(ConsumerRebalanceListener):  # type: ignore[misc]
    """Begins a meter once."""

    def __init__(self, begin: Callable[[], Meter]) -> None:
        """Name how one is begun."""
        self._begin = begin
        self._meter: Meter | None = None

    @property
    def meter(self) -> Meter:
        """The meter. Raises RuntimeError before there are partitions."""
        if self._meter is None:
            message = "nobody was given partitions"
            raise RuntimeError(message)
        return self._meter

    async def on_partitions_assigned(self, _: Iterable[TopicPartition]) -> None:
        """Start."""
        self._meter = self._meter or self._begin()

    async def on_partitions_revoked(self, _: Iterable[TopicPartition]) -> None:
        """Go on."""


class Timed(LaneConsumer):
    """The suite's own consumer, as a new group."""

    def __init__(self, bootstrap: str, topics: Sequence[str], apply: Apply, clock: Clock) -> None:
        """Name what is read, and what is told when it begins."""
        super().__init__(bootstrap, uuid4().hex, topics, apply)
        self._clock = clock

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Start the clock."""
        await self._clock.on_partitions_assigned(assigned)
        await super().on_partitions_assigned(assigned)


def reader(bootstrap: str, topics: Sequence[str], clock: Clock) -> AIOKafkaConsumer:
    """Return a floor's consumer, as a new group, which waits for answers no longer than the suite's own."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=uuid4().hex, enable_auto_commit=False, auto_offset_reset="earliest",
        max_partition_fetch_bytes=2 * 1024 * 1024, fetch_max_wait_ms=LONGEST_POLL_MS,
    )  # fmt: skip
    consumer.subscribe(list(topics), listener=clock)
    return consumer
