"""`klientela faults`: strike the suite with faults on servers of its own, and print what it survived."""

import os
import subprocess
import sys

from klientela.errors import Refusal
from klientela.layout import PROJECT


def run_faults(arguments: list[str]) -> int:
    """Run the rows that the arguments name, with nothing of the user's own suite in the environment; its exit code."""
    if not (PROJECT / "requirements.lock").exists():
        raise Refusal("The faults are only in a checkout of the project. Run ./klientela faults there.")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KLIENTELA_")}
    call = [sys.executable, "-m", "tests.faults", *arguments]
    return subprocess.run(call, cwd=PROJECT, env=environment, check=False).returncode
