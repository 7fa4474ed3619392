"""A test run takes nothing of the user's own suite with it; one that is ended still says what had failed until then."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from klientela.processes import wait_for_end
from klientela.testing import SIDE_BY_SIDE, names_paths, run_tests

WITHOUT_SERVERS = """
import signal, sys
from klientela.testing import interrupt, run_pytest
signal.signal(signal.SIGTERM, interrupt)
sys.exit(run_pytest(sys.argv[1:], {}))
"""
BLOCKS = """
import subprocess

def test_fails():
    assert False, "this is told"

def test_blocks():
    left = subprocess.Popen(["sleep", "1000"], start_new_session=True, stdout=subprocess.DEVNULL)
    open({pipe!r}, "w").write(str(left.pid))
    open({pipe!r}).read()
"""

LOOKS = """
import os

def test_looks():
    assert os.environ.get("KLIENTELA_TEST_REAL_INPUT") == "1"
    assert "KLIENTELA_ORDERS_DATABASE" not in os.environ
"""


@pytest.mark.parametrize("workers", [(), SIDE_BY_SIDE], ids=["one", "two"])
@pytest.mark.parametrize(
    ("asked", "send"), [(signal.SIGTERM, os.kill), (signal.SIGINT, os.killpg)], ids=["klientela alone", "the terminal"]
)
def test_an_ended_run_says_what_failed(
    tmp_path: Path, asked: signal.Signals, send: Callable[[int, int], None], workers: tuple[str, ...]
) -> None:
    pipe, tests = tmp_path / "pipe", tmp_path / "test_some.py"
    os.mkfifo(pipe)
    tests.write_text(BLOCKS.format(pipe=str(pipe)))
    command = [sys.executable, "-c", WITHOUT_SERVERS, "-p", "no:cacheprovider", *workers, str(tests)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as run:
        left = psutil.Process(int(pipe.read_text()))
        send(run.pid, asked)
        said, _ = run.communicate(timeout=120)
    assert "this is told" in said
    assert "1 failed" in said
    assert wait_for_end([left], 10)
    assert run.returncode == pytest.ExitCode.INTERRUPTED


def test_only_what_is_meant_for_tests_comes_to_them(tmp_path: Path) -> None:
    tests = tmp_path / "test_some.py"
    tests.write_text(LOOKS)
    environment = {**os.environ, "KLIENTELA_TEST_REAL_INPUT": "1", "KLIENTELA_ORDERS_DATABASE": "the user's own"}
    command = [sys.executable, "-c", WITHOUT_SERVERS, "-p", "no:cacheprovider", str(tests)]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert run.returncode == pytest.ExitCode.OK, run.stdout


@pytest.mark.parametrize(
    ("arguments", "named"), [(["."], True), ([f"{__file__}::x", "-q"], True), (["-k", "."], False)]
)
def test_a_word_for_an_option_names_no_tests(arguments: list[str], named: bool) -> None:  # noqa: FBT001 - a case
    assert names_paths(arguments) is named


def test_help_says_what_is_ours_before_what_is_pytests(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_tests(["--help"]) == 0
    said = capfd.readouterr().out
    assert said.startswith("Usage: klientela test [PATH...]")
    assert "--maxfail" in said
