"""Wall and CPU time of what happens between two instants."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

from bench.race import Lap


class Stopwatch:
    """Started when it is made; counts the CPU of this process."""

    def __init__(self) -> None:
        """Start."""
        self._began, self._cpu = time.perf_counter(), time.process_time()

    def rate(self, units: int) -> Lap:
        """Return how many units there were in a second, and the CPU of one."""
        seconds, cpu = time.perf_counter() - self._began, time.process_time() - self._cpu
        return Lap(units / seconds, cpu / units * 1e6)


async def until_over(working: Coroutine[Any, Any, None], over: asyncio.Event) -> None:
    """Let what would go on for ever work until it is over. Raises what it fails with."""
    task, waiting = asyncio.create_task(working), asyncio.create_task(over.wait())
    try:
        await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
            message = "it ended by itself"
            raise RuntimeError(message)
    finally:
        task.cancel()
        waiting.cancel()
        await asyncio.gather(task, waiting, return_exceptions=True)
