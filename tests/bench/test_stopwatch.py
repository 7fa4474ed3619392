"""What a server costs is what all its processes cost, those too that have ended."""

import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from bench.stopwatch import Meter, cpu_of

PARENT = """
import subprocess, sys
def child(more):
    spend = "import time\\nwhile time.process_time() < 0.3: pass\\n"
    return subprocess.Popen([sys.executable, "-c", spend + more], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child("").wait()
living = child("print(flush=True)\\ninput()")
living.stdout.readline()
print(flush=True)
input()
"""


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has spent next to nothing: a child that has ended has, and one that still lives."""
    call = [sys.executable, "-c", PARENT]
    with subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603 - see above
        assert process.stdout
        process.stdout.readline()
        yield process
        assert process.stdin
        process.stdin.write(b"\n")


def test_children_are_counted_while_they_live_and_once_they_have_ended(parent: subprocess.Popen[bytes]) -> None:
    assert cpu_of(psutil.Process(parent.pid)) >= 0.55


def test_a_meter_tells_what_was_spent_since_it_was_made_and_by_whom(parent: subprocess.Popen[bytes]) -> None:
    meter = Meter({"parent": psutil.Process(parent.pid), "this": psutil.Process()})
    before = cpu_of(psutil.Process())
    while cpu_of(psutil.Process()) - before < 0.1:
        pass
    spent = meter.spent()
    assert spent["parent"] < 0.05
    assert spent["this"] >= 0.1
    assert meter.seconds >= 0.1
