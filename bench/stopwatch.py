"""Wall and CPU time of what happens between two instants."""

import asyncio
import os
import time
from collections.abc import Coroutine, Mapping
from typing import Any, NamedTuple

import psutil

from bench.race import Lap
from klientela.processes import family

HERE = "this process"
ALONE = {HERE: psutil.Process()}


class Spent(NamedTuple):
    """Seconds by the clock, and seconds of CPU by whose they are."""

    seconds: float
    cpu: Mapping[str, float]

    @property
    def total(self) -> float:
        """The CPU of all."""
        return sum(self.cpu.values())

    def rate(self, units: int) -> Lap:
        """Return how many units there were in a second, and the CPU of one: of all, and whose it was."""
        whose = [(f"µs of {name}", seconds / units * 1e6) for name, seconds in self.cpu.items()]
        return Lap(units / self.seconds, self.total / units * 1e6, tuple(whose) if len(whose) > 1 else ())


class Meter:
    """Started when it is made; counts the CPU of processes by name, each with all below it, this one alone."""

    def __init__(self, processes: Mapping[str, psutil.Process] = ALONE) -> None:
        """Start."""
        self._processes = processes
        self._before, self._began = self._read(), time.perf_counter()

    @property
    def seconds(self) -> float:
        """How long it has been counting."""
        return time.perf_counter() - self._began

    def spent(self) -> Spent:
        """Return what was spent since it was made."""
        return Spent(self.seconds, {name: now - self._before[name] for name, now in self._read().items()})

    def rate(self, units: int) -> Lap:
        """Return what came of so many units until now."""
        return self.spent().rate(units)

    def _read(self) -> dict[str, float]:
        return {name: cpu_of(process) for name, process in self._processes.items()}


def cpu_of(process: psutil.Process) -> float:
    """Return the seconds of CPU of a process, of all below it, and of those of them that have ended and were seen off.

    A server has a process for every connection: what one has spent is its parent's to tell once it has ended. Of this
    process it is its own alone: the servers of a run are below it, and have names of their own.
    """
    if process.pid == os.getpid():
        return time.process_time()
    return sum(map(_spent, family(process)))


def _spent(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0  # it ended this moment
    return float(times.user + times.system + times.children_user + times.children_system)


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
