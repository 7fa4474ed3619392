"""What is looked at before a start, so that a machine that cannot carry the suite says so in a sentence."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from klientela.errors import Refusal
from klientela.ports import holder, is_free
from klientela.processes import OWNER_VARIABLE
from klientela.services import SERVICES

MEMORY_OF_SERVICES = 600_000_000
MEMORY_OF_KAFKA = 500_000_000
MEMORY_OF_POSTGRES = 400_000_000
DISK = 1_000_000_000
VARIABLE = "KLIENTELA_PREFLIGHT"
STEP, MOST_SHIFTS = 100, 100
"""Bases of suites beside each other, and how many of them are looked at."""
LAST_PORT = 65_535


def check(data: Path, ports: Mapping[str, int], elsewhere: Sequence[str] = ()) -> None:
    """Refuse what would fail later in a worse way; what is `elsewhere` needs nothing here (see `own_parts`)."""
    findings = taken(ports)
    if os.environ.get(VARIABLE) != "off":
        findings += [finding for finding in (memory(needed_memory(elsewhere)), disk(data)) if finding]
    if findings:
        raise Refusal("\n".join(findings))


def taken(ports: Mapping[str, int]) -> list[str]:
    """Ports that somebody else has; of those of another suite one sentence is enough."""
    found: dict[Path | int, str] = {}
    for name, port in ports.items():
        if is_free(port):
            continue
        process = holder(port)
        if suite := suite_of(process) if process else None:
            found[suite] = f"The Klientela of {suite} has these ports. Stop it with `klientela down --data {suite}`"
        else:
            found[port] = f"Port {port}, which {name} needs, is taken by {named(process)}. End that process"
    free = free_base(ports) if found else None
    advice = f", or choose other ports with --port-base{f', such as {free}' if free else ''}."
    return [sentence + advice for sentence in found.values()]


def named(process: psutil.Process | None) -> str:
    """A process as people know it."""
    return f"{process.name()}, process {process.pid}" if process else "another process"


def suite_of(process: psutil.Process) -> Path | None:
    """The data directory of the suite that a process belongs to, if it does."""
    try:
        run = process.environ().get(OWNER_VARIABLE)
    except (psutil.Error, OSError):
        return None
    return Path(run).parent if run else None


def free_base(ports: Mapping[str, int]) -> int | None:
    """A base for --port-base from which all these ports are free, if one is near."""
    shifts = range(STEP, min(MOST_SHIFTS * STEP, LAST_PORT - max(ports.values())), STEP)
    free = (shift for shift in shifts if all(is_free(port + shift) for port in ports.values()))
    shift = next(free, None)
    return min(ports.values()) - 1 + shift if shift else None


def needed_memory(elsewhere: Sequence[str]) -> int:
    """What runs here at least, and PostgreSQL and Kafka where they do."""
    kafka = 0 if "kafka" in elsewhere else MEMORY_OF_KAFKA
    postgres = 0 if all(service.name in elsewhere for service in SERVICES) else MEMORY_OF_POSTGRES
    return MEMORY_OF_SERVICES + kafka + postgres


def memory(needed: int) -> str | None:
    """Too little free memory."""
    free = psutil.virtual_memory().available
    if free >= needed:
        return None
    return (
        f"Only {free / 1e9:.1f} GB of memory is free; the suite needs about {needed / 1e9:.1f} GB. "
        f"Close other programs, or set {VARIABLE}=off to try all the same."
    )


def disk(data: Path) -> str | None:
    """Too little free disk."""
    free = shutil.disk_usage(data).free
    if free >= DISK:
        return None
    return (
        f"Only {free / 1e9:.1f} GB of disk is free in {data}; the suite needs at least {DISK / 1e9:.0f} GB. "
        f"Make room, choose another place with --data, or set {VARIABLE}=off to try all the same."
    )
