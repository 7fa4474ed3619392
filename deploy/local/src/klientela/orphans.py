"""Processes that outlived their supervisor: found by their records and by their environment, and ended."""

import os
import signal

import psutil

from klientela.layout import DataDirectory
from klientela.processes import OWNER_VARIABLE, ProcessRecord, end

NOT_CHILDREN = ("supervisor", "ready")
LAST = ("kafka", "postgres")
"""What the others stand on, ended after them."""


def end_orphans(layout: DataDirectory) -> list[str]:
    """End every process of this directory that has no supervisor; their names."""
    ended = []
    records = [path for path in layout.run.glob("*.json") if path.stem not in NOT_CHILDREN]
    for path in sorted(records, key=lambda path: LAST.index(path.stem) if path.stem in LAST else -1):
        record = ProcessRecord.read(path)
        process = record.process() if record else None
        if record and process:
            end(process, record.stop_signal, 30)
            ended.append(path.stem)
        path.unlink(missing_ok=True)
    for process in unrecorded(layout):
        ended.append(f"process {process.pid}")
        end(process, signal.SIGTERM, 30)
    return ended


def unrecorded(layout: DataDirectory) -> list[psutil.Process]:
    """Processes started for this directory whose record was never written or is lost."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(OWNER_VARIABLE) == str(layout.run):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found
