"""Logs that do not fill the disk."""

import os
import shutil
from pathlib import Path

LARGEST = 10_000_000
KEPT = 3


def rotate(log: Path, largest: int = LARGEST) -> None:
    """Put a large log aside. The writer keeps its file, opened for appending, so that it needs no signal."""
    try:
        if log.stat().st_size < largest:
            return
    except FileNotFoundError:
        return
    for number in range(KEPT, 1, -1):
        older = log.with_name(f"{log.name}.{number - 1}")
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number}"))
    first = log.with_name(f"{log.name}.1")
    shutil.copyfile(log, first)
    first.chmod(0o600)
    os.truncate(log, 0)
