"""What a server costs is what all its processes cost, those too that have ended."""

import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from bench.stopwatch import Meter, Spent, cpu_of

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
    assert spent.cpu["parent"] < 0.05
    assert spent.cpu["this"] >= 0.1
    assert spent.total == sum(spent.cpu.values())
    assert meter.seconds >= spent.seconds >= 0.1


def test_this_process_is_counted_without_the_servers_that_it_started(parent: subprocess.Popen[bytes]) -> None:
    assert parent.pid in {each.pid for each in psutil.Process().children()}
    assert cpu_of(psutil.Process()) - time.process_time() < 0.1, "its child has spent more"


def test_a_lap_tells_the_cpu_of_a_unit_and_whose_it_was() -> None:
    lap = Spent(2, {"one": 0.1, "other": 0.3}).rate(1_000)
    assert [lap.figure, lap.cpu] == pytest.approx([500, 400])
    assert dict(lap.also) == {"µs of one": pytest.approx(100), "µs of other": pytest.approx(300)}
    assert Spent(2, {"one": 0.1}).rate(1_000).also == ()
