"""Processes that are ours: started, remembered across our own death, never confused with somebody else's."""

import json
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self

import psutil

from klientela.errors import Refusal
from klientela.layout import write_private

OWNER_VARIABLE = "KLIENTELA_RUN_DIRECTORY"
"""Set for every child to the run directory it was started for, so that a child without a record is still known."""

CLOCK_TOLERANCE = 2.0
"""Seconds by which a process's start time may seem to move when the machine's clock is corrected."""

KILL_PATIENCE = 10.0
"""Seconds that the system has to end a killed process."""


@dataclass(frozen=True)
class Launch:
    """All that the system needs to start a process."""

    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None
    user: int | None = None
    group: int | None = None
    descriptors: tuple[int, ...] = ()
    """Open files that the process inherits; ours are closed once it runs."""


@dataclass(frozen=True)
class ProcessRecord:
    """A pid together with the start time that makes it one process for ever."""

    pid: int
    created: float
    stop_signal: int = signal.SIGTERM

    @classmethod
    def of(cls, pid: int, stop_signal: int = signal.SIGTERM) -> "ProcessRecord":
        """The record of a process that runs now."""
        return cls(pid, psutil.Process(pid).create_time(), stop_signal)

    @classmethod
    def read(cls, path: Path) -> "ProcessRecord | None":
        """The record in a file, or nothing when there is none or it was cut short."""
        try:
            stored = json.loads(path.read_text())
            return cls(int(stored["pid"]), float(stored["created"]), int(stored["stop_signal"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, path: Path) -> None:
        """Remember the process beyond our own life."""
        write_private(path, json.dumps({"pid": self.pid, "created": self.created, "stop_signal": self.stop_signal}))

    def process(self) -> psutil.Process | None:
        """The process if it still lives; another one that was given the same pid is not it."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) <= CLOCK_TOLERANCE
        except psutil.Error:
            return None
        return process if same and lives(process) else None


def lives(process: psutil.Process) -> bool:
    """Whether a process still does anything: one that has ended and waits to be reaped does not.

    An orphan is reaped by process 1 when that one likes, in a container perhaps never.
    """
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def wait_for_end(processes: Sequence[psutil.Process], patience: float) -> bool:
    """Wait until none of the processes lives; False when one still does after the patience."""
    deadline = time.monotonic() + patience
    while any(lives(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def family(process: psutil.Process) -> list[psutil.Process]:
    """The process and all below it."""
    try:
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return [process]


def send(processes: Sequence[psutil.Process], number: int) -> None:
    """Signal processes, some of which may have ended meanwhile."""
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.Error:
            continue


def end(process: psutil.Process, stop_signal: int, patience: float) -> bool:
    """Ask a process to stop, and kill it with all below it if it does not. True if asking was enough."""
    members = family(process)
    send([process], stop_signal)
    send([process], signal.SIGCONT)
    willing = wait_for_end([process], patience)
    send(members, signal.SIGKILL)
    wait_for_end(members, KILL_PATIENCE)
    return willing


class ManagedProcess(ABC):
    """A server that can be started, asked whether it works, stopped, and, for tests of faults, killed and frozen."""

    stop_signal: int = signal.SIGTERM
    patience: float = 15.0
    start_patience: float = 60.0

    def __init__(self, name: str, *, log: Path, record: Path) -> None:
        """`log` takes what the process prints; `record` remembers it if we die."""
        self.name = name
        self.log = log
        self.record = record
        self.popen: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def launch(self) -> Launch:
        """What to start; called each time, so that it may look at the disk."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether the server does its work now."""

    def spawn(self) -> None:
        """Start the process and return at once."""
        launch = self.launch()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.record.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.popen = self._execute(launch)
        finally:
            for descriptor in launch.descriptors:
                os.close(descriptor)
        ProcessRecord.of(self.popen.pid, self.stop_signal).write(self.record)

    def _execute(self, launch: Launch) -> subprocess.Popen[bytes]:
        """Run it in a session of its own, so that Ctrl-C in our terminal is ours to handle."""
        with os.fdopen(os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
            return subprocess.Popen(
                launch.arguments,
                env={**launch.environment, OWNER_VARIABLE: str(self.record.parent)},
                cwd=launch.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=launch.user,
                group=launch.group,
                extra_groups=[] if launch.user is not None else None,
                pass_fds=launch.descriptors,
            )

    def start(self, cancelled: Event | None = None) -> None:
        """Start the process and return when it answers; give up at once when `cancelled` is set."""
        cancelled = cancelled or Event()
        self.spawn()
        deadline = time.monotonic() + self.start_patience
        while not self.answers():
            if not self.running:
                raise Refusal(f"{self.name} ended while it was starting.{self.last_words()}")
            if time.monotonic() > deadline:
                raise Refusal(f"{self.name} did not answer in {self.start_patience:.0f} seconds.{self.last_words()}")
            if cancelled.wait(0.05):
                raise Refusal("The start was broken off.")

    @property
    def running(self) -> bool:
        """Whether the process that we started still lives."""
        return self.popen is not None and self.popen.poll() is None

    @property
    def process(self) -> psutil.Process:
        """The process that we started; it has to run."""
        if self.popen is None or not self.running:
            raise Refusal(f"{self.name} does not run.")
        return psutil.Process(self.popen.pid)

    def stop(self) -> bool:
        """Stop the process; True if it went when asked."""
        if self.popen is None:
            return True
        went = end(psutil.Process(self.popen.pid), self.stop_signal, self.patience) if self.running else True
        self.popen.wait()
        self.record.unlink(missing_ok=True)
        return went

    def kill(self) -> None:
        """End the process and all below it at once, as a power cut would."""
        members = family(self.process)
        send(members, signal.SIGKILL)
        wait_for_end(members, KILL_PATIENCE)
        if self.popen:
            self.popen.wait()

    def freeze(self) -> None:
        """Stop the clock of the process and all below it: it holds its connections and answers nobody."""
        send(family(self.process), signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen process go on."""
        send(family(self.process), signal.SIGCONT)

    def last_words(self, lines: int = 8) -> str:
        """The end of the log, for a sentence about a failure."""
        try:
            tail = self.log.read_text(errors="replace").splitlines()[-lines:]
        except OSError:
            tail = []
        return f" The end of {self.log}:\n" + "\n".join(f"  {line}" for line in tail) if tail else ""

    def __enter__(self) -> Self:
        """Start, for a `with` block."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, whatever happened in the block."""
        self.stop()
