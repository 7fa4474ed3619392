"""The checkers are checked: each twin is the real code with one mechanism broken, and the tests it names must fail.

A patch begins with a sentence that says what is broken, then with ``caught by`` and the tests; of ``tests/simulation``
some seeds are run.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chassis.testing import server_dsn

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
SOURCES = ("shared/chassis", "services/loyalty", "services/orders")
TWINS = sorted(HERE.glob("*.patch"))
SIMULATION = "tests/simulation"
SEEDS = ("--seeds", "150")
"""So many are run in about five seconds, and each twin that names the simulation has failed a good while before."""
STEPS = ("--steps", "10000")
"""A machine of Hypothesis notices most of its twins within 1,000 steps, the shyest in three runs of four."""
FAILED = re.compile(r"^FAILED (\S+)", re.MULTILINE)
BROKEN_OTHERWISE = re.compile(
    r"^E +(ImportError|ModuleNotFoundError|SyntaxError|NameError|AttributeError)", re.MULTILINE
)


def copy_of_sources(to: Path) -> Path:
    """Copy what patches may break."""
    for source in SOURCES:
        shutil.copytree(PROJECT / source / "src", to / source / "src")
    return to


def broken_copy(twin: Path, to: Path) -> Path:
    """Copy the sources and break one mechanism of them."""
    copy = copy_of_sources(to)
    applied = subprocess.run(
        ["git", "apply", "--verbose", str(twin)], cwd=copy, capture_output=True, text=True, check=False,
        env={**os.environ, "GIT_CEILING_DIRECTORIES": str(to.parent)},
    )  # fmt: skip
    assert applied.returncode == 0, f"the code has moved on; make {twin.name} anew:\n{applied.stderr}"
    return copy


def sources(copy: Path) -> list[str]:
    """Return where the packages of a copy lie."""
    return [str(copy / source / "src") for source in SOURCES]


def run(copy: Path, tests: list[str]) -> subprocess.CompletedProcess[str]:
    """Run tests of the project against a copy of the sources."""
    call = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--rootdir", str(PROJECT)]
    call += ["--as-found", *tests]
    call += [*STEPS, *(SEEDS if SIMULATION in tests else ())]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sources(copy)),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(copy / "hypothesis"),
    }
    return subprocess.run(call, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False, timeout=300)


def caught_by(twin: Path) -> list[str]:
    """Return the tests that a patch names."""
    said = twin.read_text().splitlines()[1]
    assert said.startswith("caught by "), f"{twin.name} names no tests"
    return said.removeprefix("caught by ").split()


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.stem)
def test_the_twin_is_caught(twin: Path, tmp_path: Path) -> None:
    server_dsn()
    copy = broken_copy(twin, tmp_path)
    for tests in caught_by(twin):
        done = run(copy, [tests])
        assert done.returncode == 1, f"{tests} did not notice {twin.stem}:\n{done.stdout[-2_000:]}"
        assert FAILED.search(done.stdout), done.stdout[-2_000:]
        assert not BROKEN_OTHERWISE.search(done.stdout), done.stdout[-2_000:]


def test_an_unbroken_copy_passes(tmp_path: Path) -> None:
    server_dsn()
    tests = sorted({test for twin in TWINS for test in caught_by(twin)})
    done = run(copy_of_sources(tmp_path), tests)
    assert done.returncode == 0, done.stdout[-3_000:]


def test_there_are_at_least_fifteen_and_some_are_for_the_simulation() -> None:
    assert len(TWINS) >= 15
    assert sum(SIMULATION in caught_by(twin) for twin in TWINS) >= 3
