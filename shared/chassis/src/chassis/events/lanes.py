"""Lanes: 48 for ever. A key's lane is Java's murmur2 mod 48, so a Java-compatible producer lands right by itself."""

from functools import lru_cache
from uuid import UUID

from aiokafka.partitioner import murmur2

LANES = 48
NEWS_OF_TOPICS_MS = 10_000
"""How often producers and consumers look whether a topic has grown."""


@lru_cache(maxsize=262_144)
def lane_of(key: UUID) -> int:
    """Return the lane of a key.

    >>> lane_of(UUID("00000000-0000-0000-0000-000000000001"))
    26
    """
    return int((murmur2(str(key).encode()) & 0x7FFFFFFF) % LANES)


def check_partitions(partitions: int) -> int:
    """Return a number of partitions in which every lane lies whole. Raises ValueError for no divisor of 48."""
    if partitions < 1 or LANES % partitions:
        message = f"{partitions} is no divisor of {LANES}: a lane would lie in several partitions"
        raise ValueError(message)
    return partitions


def partition_of(lane: int, partitions: int) -> int:
    """Return the Kafka partition of a lane; any divisor of 48 keeps Java's own choice.

    >>> partition_of(38, 12)
    2
    """
    return lane % partitions
