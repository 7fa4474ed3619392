"""Ends what a machine leaves whose maker was killed: ``python -m tests.faults.warden FOLDER``, until its stdin ends."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from klientela.layout import PROJECT
from klientela.processes import KILL_PATIENCE, OWNER_VARIABLE, family, send, wait_for_end


@contextmanager
def warded(folder: Path) -> Iterator[None]:
    """Have a process wait for our end within, however it comes; what was started for the folder ends with us."""
    call = [sys.executable, "-m", "tests.faults.warden", str(folder)]
    with subprocess.Popen(call, cwd=PROJECT, stdin=subprocess.PIPE, start_new_session=True):
        yield


def main(folder: Path) -> None:
    """Wait until nobody holds the other end of stdin; then end what is left, and remove the folder."""
    sys.stdin.read()
    left = [each for process in psutil.process_iter() if is_of(process, folder) for each in family(process)]
    send(left, signal.SIGKILL)
    wait_for_end(left, KILL_PATIENCE)
    for disk in filter(Path.is_mount, folder.glob("*")):
        subprocess.run(["umount", "--lazy", str(disk)], check=False)
    shutil.rmtree(folder, ignore_errors=True)


def is_of(process: psutil.Process, folder: Path) -> bool:
    """Tell by its environment whether a process was started for a folder, or for one within."""
    with suppress(psutil.Error, OSError):
        return folder in (owner := Path(process.environ().get(OWNER_VARIABLE, "/")), *owner.parents)
    return False


if __name__ == "__main__":
    main(Path(sys.argv[1]))
