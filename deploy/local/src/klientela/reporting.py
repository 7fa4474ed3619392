"""How a start tells of itself: to the terminal, or through a pipe to the command that waits for it."""

import json
import os
from collections.abc import Mapping
from typing import Any, Protocol

from rich.console import Console


class Report(Protocol):
    """Where a start's news go."""

    def progress(self, text: str) -> None:
        """What is being done now."""

    def ready(self, announcement: Mapping[str, Any]) -> None:
        """The suite works."""

    def failed(self, reason: str) -> None:
        """The start has ended without a working suite."""


class TerminalReport:
    """Progress on stderr; on stdout nothing but the one line for machines."""

    def __init__(self, *, as_json: bool) -> None:
        """With `as_json` the friendly list of addresses is left out."""
        self.as_json = as_json
        self.console = Console(stderr=True, highlight=False)

    def progress(self, text: str) -> None:
        """A line on stderr."""
        self.console.print(text, markup=False, style="dim")

    def ready(self, announcement: Mapping[str, Any]) -> None:
        """The line of the contract, and the same for people."""
        if not self.as_json:
            self.console.print("Klientela is up.", style="bold green")
            for name, url in announcement["services"].items():
                self.console.print(f"  {name:<14}{url}", markup=False)
            self.console.print(f"  {'data':<14}{announcement['data']}", markup=False)
        print(json.dumps(announcement), flush=True)

    def failed(self, reason: str) -> None:
        """The reason on stderr."""
        self.console.print(reason, markup=False, style="bold red", soft_wrap=True)


class PipeReport:
    """News for the waiting command, one JSON object a line; a command that has gone away is no reason to stop."""

    def __init__(self, descriptor: int) -> None:
        """The pipe's end to write to."""
        self.descriptor = descriptor

    def _send(self, kind: str, value: object) -> None:
        try:
            os.write(self.descriptor, json.dumps({kind: value}).encode() + b"\n")
        except OSError:
            return

    def progress(self, text: str) -> None:
        """One piece of news."""
        self._send("progress", text)

    def ready(self, announcement: Mapping[str, Any]) -> None:
        """The last piece of news of a good start."""
        self._send("ready", announcement)

    def failed(self, reason: str) -> None:
        """The last piece of news of a bad one."""
        self._send("failed", reason)
