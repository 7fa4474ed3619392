"""Processes that outlived their supervisor: found by their records and by their environment, and ended."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from klientela.layout import DataDirectory
from klientela.processes import OWNER_VARIABLE, ProcessRecord, end, lives

NOT_CHILDREN = ("supervisor", "ready", "start")
LAST = ("kafka", "postgres")
"""What the others stand on, ended after them."""
PATIENCE = 30.0


def left_behind(layout: DataDirectory) -> list[str]:
    """Name the processes of this directory that live on, as their records say."""
    found = [(path.stem, ProcessRecord.read(path)) for path in records_of(layout).values()]
    return sorted(name for name, record in found if record and record.process())


def records_of(layout: DataDirectory) -> dict[str, Path]:
    """The records of processes that a supervisor starts, by name."""
    return {path.stem: path for path in layout.run.glob("*.json") if path.stem not in NOT_CHILDREN}


def end_orphans(layout: DataDirectory) -> list[str]:
    """End every process of this directory that has no supervisor; their names."""
    records = records_of(layout)
    first = [records[name] for name in sorted(records.keys() - set(LAST))]
    with ThreadPoolExecutor(max(len(first), 1)) as pool:
        ended = [name for name in pool.map(end_recorded, first) if name]
    ended += [name for stem in LAST if stem in records and (name := end_recorded(records[stem]))]
    for process in unrecorded(layout):
        ended.append(f"process {process.pid}")
        end(process, signal.SIGTERM, PATIENCE)
    return ended


def end_recorded(path: Path) -> str | None:
    """End the process of a record and forget it; its name if it lived."""
    record = ProcessRecord.read(path)
    process = record.process() if record else None
    if record and process:
        end(process, record.stop_signal, PATIENCE)
    path.unlink(missing_ok=True)
    return path.stem if process else None


def unrecorded(layout: DataDirectory) -> list[psutil.Process]:
    """Processes started for this directory whose record was never written or is lost."""
    found = []
    for process in psutil.process_iter():
        try:
            if (
                process.pid != os.getpid()
                and process.environ().get(OWNER_VARIABLE) == str(layout.run)
                and lives(process)
            ):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found
