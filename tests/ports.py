"""Ports for suites that tests start beside each other."""

import random
import socket
from collections import deque

from klientela.ports import is_free

OFFSETS = (*range(1, 8), 90, 91, 92)
CLAIMS: deque[socket.socket] = deque()
"""By binding a base's own port, which no suite uses, a test says that its suite is about to bind the others."""
CLAIMED = 8
"""So many of the last claims are kept: the suites of those before have bound their ports, or are over."""


def free_base() -> int:
    """Claim a base whose ports are all free, below those that the system hands out by itself."""
    while True:
        base = random.randrange(20_000, 30_000, 100)  # noqa: S311 - a port is no secret
        if claim(base) and all(is_free(base + offset) for offset in OFFSETS):
            return base


def claim(base: int) -> bool:
    """Claim a base until this process has claimed a few others, or ends; say whether nobody else had."""
    one = socket.socket()
    try:
        one.bind(("127.0.0.1", base))
    except OSError:
        one.close()
        return False
    CLAIMS.append(one)
    if len(CLAIMS) > CLAIMED:
        CLAIMS.popleft().close()
    return True
