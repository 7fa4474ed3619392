"""How often somebody may ask: a steady rate and a burst above it (GCRA, ITU-T I.371), counted in this process."""

import math
import time
from collections.abc import Callable
from uuid import UUID

from chassis.errors import BusinessError

MOST_KNOWN = 10_000
"""A bound on memory: of more keys than these, all begin anew."""


class TooManyRequests(BusinessError):
    """You ask more often than one key may. Wait as long as Retry-After says."""

    slug = "too-many-requests"
    status = 429


class Rates:
    """Counts requests by key. ``per_second`` may go on for ever, ``burst`` seconds' worth of them come at once."""

    def __init__(self, per_second: float, burst: float = 10, clock: Callable[[], float] = time.monotonic) -> None:
        self._every, self._burst, self._clock = 1 / per_second, burst, clock
        self._until: dict[UUID, float] = {}
        """To when each key has used up its rate, on the clock."""

    def take(self, key: UUID) -> None:
        """Count a request. Raises TooManyRequests, and then does not count it."""
        now = self._clock()
        used = max(self._until.get(key, now), now)
        if used > now + self._burst:
            raise TooManyRequests(retry_after=math.ceil(used - now - self._burst))
        if len(self._until) > MOST_KNOWN:
            self._until.clear()
        self._until[key] = used + self._every
