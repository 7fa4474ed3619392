"""What is looked at before a start, so that a machine that cannot carry the suite says so in a sentence."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from klientela.errors import Refusal
from klientela.ports import holder, is_free
from klientela.services import SERVICES

MEMORY_OF_SERVICES = 600_000_000
MEMORY_OF_KAFKA = 500_000_000
MEMORY_OF_POSTGRES = 400_000_000
DISK = 1_000_000_000
VARIABLE = "KLIENTELA_PREFLIGHT"


def check(data: Path, ports: Mapping[str, int], elsewhere: Sequence[str] = ()) -> None:
    """Refuse what would fail later in a worse way; what is `elsewhere` needs nothing here (see `own_parts`)."""
    findings = [finding for name, port in ports.items() if (finding := taken(name, port))]
    if os.environ.get(VARIABLE) != "off":
        findings += [finding for finding in (memory(needed_memory(elsewhere)), disk(data)) if finding]
    if findings:
        raise Refusal("\n".join(findings))


def taken(name: str, port: int) -> str | None:
    """A port that somebody else has."""
    if is_free(port):
        return None
    who = holder(port)
    by = f"by {who}" if who else "by another process"
    return f"Port {port}, which {name} needs, is taken {by}. End that process, or choose other ports with --port-base."


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
