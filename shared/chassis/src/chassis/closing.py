"""Clients of Kafka, from their start to their end: neither waits for ever for a server that is gone."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

STARTING = 60.0
"""Seconds in which a client connects; Kafka's would try one broker after the other without end."""
PATIENCE = 5.0
"""Seconds that a client's closing is waited for; what it had in hand is done again from the database anyway."""
_unfinished: set["asyncio.Future[object]"] = set()


@asynccontextmanager
async def connected(
    start: Callable[[], Coroutine[Any, Any, None]],
    stop: Callable[[], Awaitable[None]],
    within: float = STARTING,
    *,
    closing: float = PATIENCE,
) -> AsyncIterator[None]:
    """Start a client within so many seconds, and stop it in the end, also when it is cancelled. Raises TimeoutError.

    A start that is cancelled would leave a connection open, so it is given time to end by itself.
    """
    starting = asyncio.create_task(start())
    try:
        await asyncio.wait([starting], timeout=within)
        if not starting.done():
            raise TimeoutError
        starting.result()
        yield
    finally:
        await close(_end(starting, stop), closing)


async def _end(starting: "asyncio.Task[None]", stop: Callable[[], Awaitable[None]]) -> None:
    await close(starting)
    starting.cancel()
    await stop()


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
