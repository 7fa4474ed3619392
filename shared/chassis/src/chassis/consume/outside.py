"""Topics from outside: any producer, any partitioner, no numbers. The intake first, then the offsets."""

import asyncio
from collections.abc import Sequence

import structlog
from aiokafka import ConsumerRecord

from chassis.consume.lane_consumer import LaneConsumer
from chassis.database import TROUBLE, Database
from chassis.events.unit import unit_of_work
from chassis.service import Service

log = structlog.get_logger()


async def take_outside(
    database: Database, service: Service, bootstrap: str, stored: asyncio.Event, prefix: str = ""
) -> None:
    """Take messages into the intake until cancelled; a crash takes some twice, which their decision knows."""

    async def apply(topic: str, records: Sequence[ConsumerRecord]) -> None:
        bodies = [record.value or b"" for record in records]
        while True:
            try:
                async with database.background, unit_of_work(database, service.name) as unit:
                    await service.outside[topic.removeprefix(prefix)](unit, bodies)
            except TROUBLE as error:
                log.warning("intake met trouble", topic=topic, error=type(error).__name__)
                await asyncio.sleep(0.5)
            else:
                stored.set()
                return

    topics = [prefix + topic for topic in service.outside]
    await LaneConsumer(bootstrap, f"{prefix}{service.name}.outside", topics, apply).run()
