"""A suite in a directory and on ports of its own, driven through the command as a user drives it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import psutil
import pytest

from klientela.layout import DataDirectory
from klientela.orphans import unrecorded
from klientela.processes import ProcessRecord
from tests.ports import free_base

STAND_IN = Path(__file__).with_name("stand_in.py")
CHILDREN = ("postgres", "kafka", "clients", "orders", "service-desk", "loyalty", "automation")


def eventually(what: str, holds: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for the system to say that it is so; fail when it has not by the deadline."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(f"After {seconds} seconds it still does not hold that {what}.")
        Event().wait(0.05)


def clean_environment() -> dict[str, str]:
    """The machine's environment without anything about a suite."""
    return {name: value for name, value in os.environ.items() if not name.startswith("KLIENTELA_")}


@dataclass
class Suite:
    """The command on one data directory."""

    layout: DataDirectory
    base: int
    environment: dict[str, str] = field(default_factory=clean_environment)

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "klientela"]

    def run(self, *arguments: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        call = [*before, *self.command, *arguments, "--data", str(self.layout.root)]
        return subprocess.run(
            call,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )

    def up(self, *arguments: str) -> dict[str, Any]:
        done = self.run("up", "--detach", "--json", "--port-base", str(self.base), *arguments)
        assert done.returncode == 0, done.stderr
        assert len(done.stdout.splitlines()) == 1
        announcement: dict[str, Any] = json.loads(done.stdout)
        return announcement

    def process(self, name: str) -> psutil.Process:
        record = ProcessRecord.read(self.layout.run / f"{name}.json")
        process = record.process() if record else None
        assert process is not None, f"{name} does not run"
        return process

    def lives(self, name: str) -> bool:
        record = ProcessRecord.read(self.layout.run / f"{name}.json")
        return bool(record and record.process())

    def told(self, service: str, announcement: dict[str, Any]) -> dict[str, str]:
        """What a stand-in was told by the command."""
        answer = httpx.get(announcement["services"][service], trust_env=False)
        told: dict[str, str] = answer.json()
        return told

    @property
    def is_gone(self) -> bool:
        """Whether nothing of this suite runs any more."""
        return not unrecorded(self.layout) and not any(self.lives(name) for name in ("supervisor", *CHILDREN))


@contextmanager
def stand_in_suite(root: Path) -> Iterator[Suite]:
    """A suite whose services are stand-ins; whatever runs at the end is stopped."""
    one = Suite(DataDirectory.at(root), free_base())
    one.environment["KLIENTELA_SERVE"] = f"{sys.executable} {STAND_IN}"
    with stopped_at_the_end(one):
        yield one


@contextmanager
def stopped_at_the_end(one: Suite) -> Iterator[None]:
    """Stop whatever still runs of a suite."""
    yield
    stopped = one.run("down")
    assert stopped.returncode == 0, stopped.stderr
    assert one.is_gone


@pytest.fixture
def suite(tmp_path: Path) -> Iterator[Suite]:
    """A suite that a test may treat as it likes; down at first."""
    with stand_in_suite(tmp_path / "data") as one:
        yield one


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    """A suite that is up, shared by tests that only look."""
    with stand_in_suite(tmp_path_factory.mktemp("running") / "data") as one:
        one.up()
        yield one
