"""Closing clients that may have to wait for a server that is gone."""

import asyncio
from collections.abc import Awaitable

PATIENCE = 5.0
"""Seconds that a client's closing is waited for; what it had in hand is done again from the database anyway."""
_unfinished: set["asyncio.Future[object]"] = set()


async def close(closing: Awaitable[object], patience: float = PATIENCE) -> None:
    """Wait for what closes, for so many seconds; what takes longer ends by itself, and how it ends is nobody's concern.

    Kafka's client must not be cancelled on its way: a consumer would go on as a member of its group that reads nothing,
    a producer would go on trying. It also cancels itself, which is not to end who closes it.
    """
    task = asyncio.ensure_future(closing)
    _unfinished.add(task)
    task.add_done_callback(_ended)
    await asyncio.wait([task], timeout=patience)


def _ended(task: "asyncio.Future[object]") -> None:
    _unfinished.discard(task)
    if not task.cancelled():
        task.exception()
