"""From Kafka's records to a subscription: what is not one of the owner's records is set aside, holes are mended."""

import asyncio
from collections.abc import Sequence

import structlog
from aiokafka import ConsumerRecord

from chassis.consume.kept import keep
from chassis.consume.mending import Mender
from chassis.consume.outcomes import DeadLetter, bury
from chassis.consume.subscription import Subscription
from chassis.events.record import Record, from_headers
from chassis.events.unit import unit_of_work
from chassis.service import Intake
from schemas.ids import derive

MENDED_WITHIN = 60.0
"""Seconds that a partition waits for the holes of its lanes: less than for a batch to be stuck."""
log = structlog.get_logger()


class TopicReader:
    """Applies what a topic brings, and mends the lanes in which something is missing."""

    def __init__(self, subscription: Subscription, mender: Mender, prefix: str = "") -> None:
        self.subscription, self.mender, self.prefix = subscription, mender, prefix
        self._large: set[tuple[str, int]] = set()
        """Lanes with a hole that nobody waits for any more: the check of the heads fills it."""

    async def apply(self, topic: str, batch: Sequence[ConsumerRecord]) -> None:
        """Apply a batch of one partition."""
        source = topic.removeprefix(self.prefix)
        records: list[Record] = []
        strangers: list[DeadLetter] = []
        for found in batch:
            try:
                records.append(from_headers(source, found.key, found.headers, found.value))
            except (KeyError, ValueError) as error:
                strangers.append(_stranger(source, found, error))
        if strangers:
            async with unit_of_work(self.subscription.database, self.subscription.service.name) as unit:
                await bury(unit, self.subscription.name, strangers)
        holes = await self.subscription.apply(source, records) if records else set()
        self._large -= {(source, record.lane) for record in records if record.lane not in holes}
        await self._mend(source, [lane for lane in sorted(holes) if (source, lane) not in self._large])

    async def _mend(self, source: str, lanes: Sequence[int]) -> None:
        """Mend holes; one that takes too long is left to the check of the heads, those after it to the next batch."""
        limit, lane = asyncio.timeout(MENDED_WITHIN), -1
        try:
            async with limit:
                for lane in lanes:
                    await self.mender.try_to_mend(source, lane)
        except TimeoutError:
            if not limit.expired():
                raise
            log.warning("a hole stays open", source=source, lane=lane, error="it takes too long")
            self._large.add((source, lane))


def _stranger(source: str, found: ConsumerRecord, error: Exception) -> DeadLetter:
    """Something on an owner's topic that the owner did not write: kept with its bytes, for a person to look at."""
    letter = derive("stranger", source, found.partition, found.offset, found.timestamp)
    raw = keep(Intake(found.offset, f"topic:{source}", None, found.value or b""))
    return DeadLetter(letter, "topic", source, "unknown", raw, f"not a record of {source}: {type(error).__name__}")
