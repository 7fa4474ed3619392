"""`klientela down`: stop everything of one data directory, also what lost its supervisor."""

import signal

from rich.console import Console

from klientela.errors import Refusal
from klientela.layout import DataDirectory
from klientela.orphans import end_orphans
from klientela.processes import end
from klientela.supervisor import supervisor_of

PATIENCE = 120.0
"""Longer than the supervisor itself is patient with its children."""


def down(layout: DataDirectory) -> int:
    """Stop the suite and say what was stopped; the exit code."""
    console = Console(stderr=True, highlight=False)
    supervisor = supervisor_of(layout)
    process = supervisor.process() if supervisor else None
    if process:
        console.print("Stopping the suite", style="dim")
        try:
            willing = end(process, signal.SIGTERM, PATIENCE)
        except PermissionError as error:
            raise Refusal(f"The suite belongs to another user, who has to stop it (process {process.pid}).") from error
        if not willing:
            console.print(f"The supervisor did not stop in {PATIENCE:.0f} seconds and was killed.", style="yellow")
    orphans = end_orphans(layout)
    if orphans:
        console.print("Ended what had lost its supervisor: " + ", ".join(orphans), style="yellow", soft_wrap=True)
    console.print("Klientela is down." if process or orphans else "Nothing was running.")
    return 0
