"""Topics: made by their owner if they are not there; waited for by those who read them."""

import asyncio
from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError

WEEK_MS = 7 * 24 * 3600 * 1000


async def ensure_topics(bootstrap: str, topics: Sequence[str], partitions: int, replication: int) -> None:
    """Make the topics that are missing; they keep a week, the owners' logs keep everything."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        known = await admin.list_topics()
        for topic in topics:
            if topic in known:
                continue
            wanted = NewTopic(topic, partitions, replication, topic_configs={"retention.ms": str(WEEK_MS)})
            answer = await admin.create_topics([wanted])
            _check(answer)
    finally:
        await admin.close()


async def wait_for_topics(bootstrap: str, topics: Sequence[str], patience: float = 60) -> dict[str, int]:
    """Return the number of partitions of topics as soon as all are there. Raises TimeoutError."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        async with asyncio.timeout(patience):
            while True:
                if set(topics) <= set(await admin.list_topics()):
                    found = await admin.describe_topics(list(topics))
                    return {topic["topic"]: len(topic["partitions"]) for topic in found}
                await asyncio.sleep(0.2)
    finally:
        await admin.close()


def _check(answer: object) -> None:
    for _, code, *_rest in answer.topic_errors:  # type: ignore[attr-defined]
        if code not in (0, TopicAlreadyExistsError.errno):
            message = f"a topic could not be made: Kafka answered {code}"
            raise KafkaError(message)
