"""Topics: made by their owner if they are not there; waited for by those who read them."""

import asyncio
from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError

WEEK_MS = 7 * 24 * 3600 * 1000


async def ensure_topics(
    bootstrap: str, topics: Sequence[str], partitions: int, replication: int, *, grow: bool = False
) -> None:
    """Make the topics that are missing, and let those ``grow`` that have fewer partitions; they never shrink.

    They keep a week, the owners' logs keep everything.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        known = {each["topic"]: len(each["partitions"]) for each in await admin.describe_topics()}
        for topic in topics:
            if topic in known:
                if grow and known[topic] < partitions:
                    await admin.create_partitions({topic: NewPartitions(partitions)})
                continue
            wanted = NewTopic(topic, partitions, 1, topic_configs={"retention.ms": str(WEEK_MS)})
            wanted.replication_factor = replication  # -1 is KIP-464's, which the class does not know
            answer = await admin.create_topics([wanted])
            _check(answer)
    finally:
        await admin.close()


async def wait_for_topics(bootstrap: str, topics: Sequence[str], patience: float = 60) -> int:
    """Wait until all topics are there; return how many partitions they have in all. Raises TimeoutError."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        async with asyncio.timeout(patience):
            while True:
                if set(topics) <= set(await admin.list_topics()):
                    return sum(len(topic["partitions"]) for topic in await admin.describe_topics(list(topics)))
                await asyncio.sleep(0.2)
    finally:
        await admin.close()


def _check(answer: object) -> None:
    for _, code, *_rest in answer.topic_errors:  # type: ignore[attr-defined]
        if code not in (0, TopicAlreadyExistsError.errno):
            message = f"a topic could not be made: Kafka answered {code}"
            raise KafkaError(message)
