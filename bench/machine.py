"""What a figure was measured on, without a name of anybody's machine."""

import os
import platform
from pathlib import Path
from typing import NamedTuple

import psutil


class Description(NamedTuple):
    """A machine as far as figures depend on it."""

    processor: str
    cores: int
    memory_gb: float
    system: str
    python: str

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.processor}, {self.cores} cores, {self.memory_gb:.0f} GB, {self.system}, Python {self.python}"


def describe() -> Description:
    """Describe this machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = psutil.virtual_memory().total / 2**30
    return Description(_processor(), cores, round(memory, 1), platform.system(), platform.python_version())


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
