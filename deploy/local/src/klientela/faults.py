"""`klientela faults`: strike the suite with faults on servers of its own, and print what it survived."""

import os
import sys
from typing import NoReturn

from klientela.errors import Refusal
from klientela.layout import PROJECT


def run_faults(arguments: list[str]) -> NoReturn:
    """Become the program that runs the rows which the arguments name, without the user's own suite's environment."""
    if not (PROJECT / "requirements.lock").exists():
        raise Refusal("The faults are only in a checkout of the project. Run ./klientela faults there.")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KLIENTELA_")}
    os.chdir(PROJECT)
    os.execve(sys.executable, [sys.executable, "-m", "tests.faults", *arguments], environment)
