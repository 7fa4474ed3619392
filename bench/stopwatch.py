"""Wall and CPU time of what happens between two instants."""

import asyncio
import time
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

import psutil

from bench.race import Lap
from klientela.processes import family


class Stopwatch:
    """Started when it is made; counts the CPU of this process, or of those that do the work instead."""

    def __init__(self, workers: Sequence[psutil.Process] = ()) -> None:
        """Start."""
        self._workers = workers
        self._began, self._cpu = time.perf_counter(), self._cpu_seconds()

    def rate(self, units: int) -> Lap:
        """Return how many units there were in a second, and the CPU of one."""
        seconds, cpu = time.perf_counter() - self._began, self._cpu_seconds() - self._cpu
        return Lap(units / seconds, cpu / units * 1e6)

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return time.perf_counter() - self._began

    def _cpu_seconds(self) -> float:
        if not self._workers:
            return time.process_time()
        return sum(used.user + used.system for used in (worker.cpu_times() for worker in self._workers))


class Meter:
    """Started when it is made; counts the CPU of processes, each with all below it, by name."""

    def __init__(self, processes: Mapping[str, psutil.Process]) -> None:
        """Start."""
        self._processes, self._began = processes, time.perf_counter()
        self._before = self._read()

    @property
    def seconds(self) -> float:
        """How long it has been counting."""
        return time.perf_counter() - self._began

    def spent(self) -> dict[str, float]:
        """Return the seconds of CPU that were spent since it was made."""
        return {name: now - self._before[name] for name, now in self._read().items()}

    def _read(self) -> dict[str, float]:
        return {name: cpu_of(process) for name, process in self._processes.items()}


def cpu_of(process: psutil.Process) -> float:
    """Return the seconds of CPU of a process, of all below it, and of those of them that have ended and were seen off.

    A server has a process for every connection: what one has spent is its parent's to tell once it has ended.
    """
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
