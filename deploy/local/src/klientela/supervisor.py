"""The one process that owns all others of a suite: starts them in order, restarts what dies, stops all at the end."""

import fcntl
import json
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from logging.handlers import RotatingFileHandler
from typing import Any

from klientela import preflight
from klientela.errors import Refusal
from klientela.layout import PROJECT, DataDirectory, write_private
from klientela.log_rotation import rotate
from klientela.orphans import end_orphans
from klientela.own_servers import check_own_servers, own_parts
from klientela.ports import Ports
from klientela.processes import ManagedProcess, ProcessRecord
from klientela.reporting import Report
from klientela.suite import Suite

TICK = 0.2
ROTATE_EVERY = 10.0
FIRST_DELAY = 0.25
LONGEST_DELAY = 30.0
STEADY = 60.0
"""Seconds that a process has to live before its next death counts as its first."""

logger = logging.getLogger(__name__)


@dataclass
class Watch:
    """When one process started, and how patient to be with it."""

    process: ManagedProcess
    started: float
    delay: float = FIRST_DELAY
    due: float | None = None

    def tend(self, now: float) -> None:
        """Start the process again if it is down and its delay is over."""
        if self.process.running:
            return
        if self.due is None:
            self.delay = FIRST_DELAY if now - self.started > STEADY else self.delay
            self.due = now + self.delay
            logger.warning("%s has ended; starting it again in %.2f s", self.process.name, self.delay)
        if now >= self.due:
            self.due, self.started, self.delay = None, now, min(self.delay * 2, LONGEST_DELAY)
            try:
                self.process.spawn()
            except (Refusal, OSError):
                logger.exception("%s could not be started", self.process.name)


def watch(suite: Suite) -> None:
    """Keep all processes alive until the suite is to stop."""
    watches = [Watch(process, time.monotonic()) for process in suite.processes]
    rotate_at = 0.0
    while not suite.stopping.wait(TICK):
        now = time.monotonic()
        for one in watches:
            one.tend(now)
        if now >= rotate_at:
            rotate_at = now + ROTATE_EVERY
            for process in suite.processes:
                rotate(process.log)


@contextmanager
def ownership(layout: DataDirectory) -> Iterator[None]:
    """Be the only supervisor of this directory; the lock ends with the process, however it ends."""
    descriptor = os.open(layout.run / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Refusal(busy(layout)) from None
    try:
        ProcessRecord.of(os.getpid()).write(layout.run / "supervisor.json")
        yield
    finally:
        (layout.run / "ready.json").unlink(missing_ok=True)
        (layout.run / "supervisor.json").unlink(missing_ok=True)
        os.close(descriptor)


@dataclass(frozen=True)
class Start:
    """How the suite was started last: its ports' base, the folder of the program, what of it is the user's own.

    It outlives the suite: where the data was kept is known when no variable says so any more.
    """

    base: int
    project: str
    elsewhere: Sequence[str] = ()

    @classmethod
    def read(cls, layout: DataDirectory) -> "Start | None":
        """What was written at the last start; nothing when that cannot be read."""
        try:
            return cls(**json.loads((layout.run / "start.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, layout: DataDirectory) -> None:
        """Remember it for later commands."""
        write_private(layout.run / "start.json", json.dumps(asdict(self)))


def supervisor_of(layout: DataDirectory) -> ProcessRecord | None:
    """The living supervisor of this directory."""
    record = ProcessRecord.read(layout.run / "supervisor.json")
    return record if record and record.process() else None


def announced(layout: DataDirectory) -> dict[str, Any] | None:
    """What the running suite announced when it became ready; nothing while it starts or when it is down."""
    if not supervisor_of(layout):
        return None
    try:
        announcement: dict[str, Any] | None = json.loads((layout.run / "ready.json").read_text())
    except (OSError, ValueError):
        return None
    return announcement


def busy(layout: DataDirectory) -> str:
    """Why a second start has to wait."""
    record = supervisor_of(layout)
    who = f"process {record.pid}" if record else "another process"
    if announced(layout):
        return f"The suite in {layout.root} is running ({who}). Stop it with `klientela down` first."
    return (
        f"The suite in {layout.root} is being started or stopped by {who} right now. "
        "Wait until it is done, or end it with `klientela down`."
    )


def supervise(layout: DataDirectory, ports: Ports, report: Report) -> int:
    """Run the suite until a signal ends it; the exit code."""
    try:
        layout.prepare()
        with ownership(layout), journal(layout):
            return run(layout, ports, report)
    except Refusal as refusal:
        report.failed(str(refusal))
        return 1


def run(layout: DataDirectory, ports: Ports, report: Report) -> int:
    """Start, watch, stop."""
    (layout.run / "ready.json").unlink(missing_ok=True)
    orphans = end_orphans(layout)
    if orphans:
        logger.warning("ended what an earlier supervisor had left: %s", ", ".join(orphans))
        report.progress("Ended what an earlier run had left: " + ", ".join(orphans))
    layout.stamp()
    suite = Suite(layout, ports, report.progress)
    elsewhere = own_parts(suite.environment)
    with signals(suite.stopping.set):
        try:
            preflight.check(layout.root, suite.listeners, elsewhere)
            if elsewhere:
                report.progress("Looking at your own servers")
                check_own_servers(suite.environment)
            Start(ports.base, str(PROJECT), elsewhere).write(layout)
            suite.start()
            announce(layout, suite.announcement(), report)
            watch(suite)
            report.progress("Stopping")
        finally:
            killed = suite.stop()
            logger.info("stopped%s", f"; had to kill {', '.join(killed)}" if killed else "")
    return 0


def announce(layout: DataDirectory, announcement: Mapping[str, Any], report: Report) -> None:
    """Say that all is ready: to later commands by a file, to this one by its report."""
    write_private(layout.run / "ready.json", json.dumps(announcement))
    logger.info("ready")
    report.ready(announcement)


@contextmanager
def signals(stop: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl-C, `down` and a closed terminal stop the suite in order, once."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, lambda *_: stop()) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def journal(layout: DataDirectory) -> Iterator[None]:
    """Keep the supervisor's own log."""
    path = layout.logs / "supervisor.log"
    path.touch(mode=0o600)
    handler = RotatingFileHandler(path, maxBytes=10_000_000, backupCount=3)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    package = logging.getLogger("klientela")
    package.addHandler(handler)
    package.setLevel(logging.INFO)
    package.propagate = False
    try:
        yield
    except Exception:
        package.exception("the supervisor has failed")
        raise
    finally:
        package.removeHandler(handler)
        handler.close()
