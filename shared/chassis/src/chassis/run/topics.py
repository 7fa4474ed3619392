"""Topics: made by their owner if they are not there; waited for by those who read them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError

from chassis.closing import connected

PATIENCE = 60.0
"""Seconds in which Kafka says and does what it is asked; who asks begins again then."""
CONFIGS = {
    "retention.ms": str(7 * 24 * 3600 * 1000),
    "message.timestamp.type": "LogAppendTime",  # else Kafka refuses for ever what a clock an hour fast has written
}


async def ensure_topics(
    bootstrap: str, topics: Sequence[str], partitions: int, replication: int, *, grow: bool = False
) -> None:
    """Make the topics that are missing, and let those ``grow`` that have fewer partitions; they never shrink.

    They keep a week, the owners' logs keep everything.
    """
    async with _administering(bootstrap) as admin:
        known = {each["topic"]: len(each["partitions"]) for each in await admin.describe_topics()}
        for topic in topics:
            if topic in known:
                if grow and known[topic] < partitions:
                    await admin.create_partitions({topic: NewPartitions(partitions)})
                continue
            wanted = NewTopic(topic, partitions, 1, topic_configs=CONFIGS)
            wanted.replication_factor = replication  # -1 is KIP-464's, which the class does not know
            answer = await admin.create_topics([wanted])
            _check(answer)


async def wait_for_topics(bootstrap: str, topics: Sequence[str]) -> int:
    """Wait until all topics are there; return how many partitions they have in all. Raises TimeoutError."""
    async with _administering(bootstrap) as admin:
        while not set(topics) <= set(await admin.list_topics()):  # noqa: ASYNC110 - Kafka gives no signal
            await asyncio.sleep(0.2)
        return sum(len(topic["partitions"]) for topic in await admin.describe_topics(list(topics)))


@asynccontextmanager
async def _administering(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """Give a connected client, for as long as it may take. Raises TimeoutError."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    async with connected(admin.start, admin.close), asyncio.timeout(PATIENCE):
        yield admin


def _check(answer: object) -> None:
    for _, code, *_rest in answer.topic_errors:  # type: ignore[attr-defined]
        if code not in (0, TopicAlreadyExistsError.errno):
            message = f"a topic could not be made: Kafka answered {code}"
            raise KafkaError(message)
