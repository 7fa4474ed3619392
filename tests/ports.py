"""Ports for suites that tests start beside each other."""

import random

from klientela.ports import is_free

OFFSETS = (*range(1, 8), 90, 91, 92)


def free_base() -> int:
    """A base whose ports are all free, below those that the system hands out by itself."""
    while True:
        base = random.randrange(20_000, 30_000, 100)  # noqa: S311 - a port is no secret
        if all(is_free(base + offset) for offset in OFFSETS):
            return base
