"""The data directory: where everything that outlives a process is kept, and who may read it."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klientela import __version__
from klientela.errors import Refusal

FORMAT: Mapping[str, Any] = {"suite": __version__, "postgresql": 18, "kafka": "4.4", "lanes": 48}
"""What this release writes. A directory with anything newer belongs to a newer release."""

PROJECT = Path(__file__).resolve().parents[4]


def default_data() -> Path:
    """`.klientela` in the checkout that this command runs from, or here when it was installed elsewhere."""
    checkout = (PROJECT / "requirements.lock").exists()
    return (PROJECT if checkout else Path.cwd()) / ".klientela"


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all, and on the disk when this returns."""
    draft = path.with_name(path.name + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


@dataclass(frozen=True)
class DataDirectory:
    """One suite's data: `down`, `status` and `backup` find everything about a running suite from here."""

    root: Path

    @classmethod
    def at(cls, root: Path | None) -> "DataDirectory":
        """The directory the user named, or the default."""
        return cls((root or default_data()).expanduser().absolute())

    @property
    def secrets(self) -> Path:
        """Keys and passwords, one file each, mode 0600."""
        return self.root / "secrets"

    @property
    def logs(self) -> Path:
        """One log for each process."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """What is running now, and how it was started last."""
        return self.root / "run"

    @property
    def postgres(self) -> Path:
        """The PostgreSQL cluster: the truth."""
        return self.root / "postgres"

    @property
    def kafka(self) -> Path:
        """Kafka's log: all but `intake.orders` can be filled again from the services' logs."""
        return self.root / "kafka"

    @property
    def restoring(self) -> Path:
        """There while a restore replaces the data; one that was cut short leaves it."""
        return self.root / "restoring"

    @property
    def format(self) -> Path:
        """Which release wrote this directory."""
        return self.root / "format.json"

    def secret(self, name: str) -> str:
        """A secret's text; the suite has to have been started once."""
        try:
            return (self.secrets / name).read_text().strip()
        except FileNotFoundError:
            raise Refusal(f"{self.secrets / name} does not exist. Start the suite with `klientela up` first.") from None

    def prepare(self) -> None:
        """Make the folders that are missing, close them to others, refuse what a newer release wrote."""
        try:
            for folder in (self.root, self.secrets, self.logs, self.run):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                folder.chmod(0o700)
        except OSError as error:
            raise Refusal(
                f"The data directory {self.root} cannot be written ({error.strerror}). Choose another one with --data."
            ) from error
        self.check_format()

    def stamp(self) -> None:
        """Write which release uses this directory now."""
        write_private(self.format, json.dumps(FORMAT) + "\n")

    def check_format(self) -> None:
        """Refuse a directory that this release would misread; a missing stamp is a new directory."""
        if not self.format.exists():
            return
        try:
            found = json.loads(self.format.read_text())
            reason = difference(found)
        except (ValueError, AttributeError, TypeError):
            reason = "its format.json cannot be read"
        if reason:
            raise Refusal(
                f"The data in {self.root} cannot be used by Klientela {__version__}: {reason}. "
                "Use the release that wrote it, or choose another directory with --data."
            )


def difference(found: Mapping[str, Any]) -> str | None:
    """Why data with this stamp is not for this release, or nothing."""
    if numbers(found["suite"]) > numbers(FORMAT["suite"]):
        return f"it was written by the newer Klientela {found['suite']}"
    if found["postgresql"] != FORMAT["postgresql"]:
        return f"it is of PostgreSQL {found['postgresql']} and this release brings PostgreSQL {FORMAT['postgresql']}"
    if numbers(found["kafka"]) > numbers(FORMAT["kafka"]):
        return f"it is of the newer Kafka {found['kafka']}"
    if found["lanes"] != FORMAT["lanes"]:
        return f"it has {found['lanes']} lanes and every Klientela has {FORMAT['lanes']}"
    return None


def numbers(version: str) -> tuple[int, ...]:
    """A version such as 1.12 so that it compares as numbers, above 1.9."""
    return tuple(int(part) for part in version.split("."))
