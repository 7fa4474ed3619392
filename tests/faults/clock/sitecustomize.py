"""Python's clock of a whole process, moved by as many seconds as KLIENTELA_CLOCK_AHEAD says."""

import datetime
import os
import time
from typing import Any

AHEAD = float(os.environ.get("KLIENTELA_CLOCK_AHEAD", "0"))
_time, _real = time.time, datetime.datetime


class _Kind(type):
    """Every date and time counts as one of the moved clock's."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _real)


class _Moved(_real, metaclass=_Kind):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        return _real.now(tz) + datetime.timedelta(seconds=AHEAD)


if AHEAD:
    time.time = lambda: _time() + AHEAD
    datetime.datetime = _Moved  # type: ignore[misc]
