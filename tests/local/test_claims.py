"""Suites of tests that start at the same moment get ports of their own."""

import subprocess
import sys
from pathlib import Path

from tests.ports import free_base

PROJECT = Path(__file__).parents[2]
CLAIM = "import sys; from tests.ports import claim; sys.exit(0 if claim(int(sys.argv[1])) else 7)"


def claimed_elsewhere(base: int) -> int:
    call = [sys.executable, "-c", CLAIM, str(base)]
    return subprocess.run(call, cwd=PROJECT, check=False).returncode


def test_a_base_that_was_given_is_given_to_nobody_else() -> None:
    base = free_base()
    assert claimed_elsewhere(base) == 7


def test_a_claim_ends_with_its_process() -> None:
    base = free_base()
    assert claimed_elsewhere(base + 50) == 0
    assert claimed_elsewhere(base + 50) == 0
