"""A test run that is ended from outside still says what had failed until then."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

WITHOUT_SERVERS = """
import signal, sys
from klientela.test_session import interrupt, run_pytest
signal.signal(signal.SIGTERM, interrupt)
sys.exit(run_pytest(sys.argv[1:], "", ""))
"""
BLOCKS = """
def test_fails():
    assert False, "this is told"

def test_blocks():
    open({pipe!r}, "w").write("blocked")
    open({pipe!r}).read()
"""


@pytest.mark.parametrize(
    ("asked", "send"), [(signal.SIGTERM, os.kill), (signal.SIGINT, os.killpg)], ids=["klientela alone", "the terminal"]
)
def test_an_ended_run_says_what_failed(tmp_path: Path, asked: signal.Signals, send: Callable[[int, int], None]) -> None:
    pipe, tests = tmp_path / "pipe", tmp_path / "test_some.py"
    os.mkfifo(pipe)
    tests.write_text(BLOCKS.format(pipe=str(pipe)))
    command = [sys.executable, "-c", WITHOUT_SERVERS, "-p", "no:cacheprovider", str(tests)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as run:
        assert pipe.read_text() == "blocked"
        send(run.pid, asked)
        said, _ = run.communicate(timeout=60)
    assert "this is told" in said
    assert "1 failed" in said
    assert run.returncode == pytest.ExitCode.INTERRUPTED
