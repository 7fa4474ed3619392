"""Wall and CPU time of what happens between two instants."""

import time
from collections.abc import Iterable

import psutil

from bench.race import Lap


class Stopwatch:
    """Started when it is made; counts the CPU of this process, or of those that are named."""

    def __init__(self, processes: Iterable[psutil.Process] = ()) -> None:
        """Start."""
        self._processes = list(processes)
        self._began, self._cpu = time.perf_counter(), self._spent()

    def rate(self, units: int) -> Lap:
        """Return how many units there were in a second, and the CPU of one."""
        seconds, cpu = time.perf_counter() - self._began, self._spent() - self._cpu
        return Lap(units / seconds, cpu / units * 1e6)

    def _spent(self) -> float:
        if not self._processes:
            return time.process_time()
        return sum(sum(process.cpu_times()[:2]) for process in self._processes)
