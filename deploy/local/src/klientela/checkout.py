"""Programs that are in a checkout of the project alone: they make a suite of their own, and strike or race it."""

import os
import sys
from typing import NoReturn

from klientela.errors import Refusal
from klientela.layout import PROJECT


def become(command: str, module: str, arguments: list[str]) -> NoReturn:
    """Become the program of a command, without the environment of the user's own suite."""
    if not (PROJECT / "requirements.lock").exists():
        raise Refusal(f"This is only in a checkout of the project. Run ./klientela {command} there.")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KLIENTELA_")}
    os.chdir(PROJECT)
    os.execve(sys.executable, [sys.executable, "-m", module, *arguments], environment)
