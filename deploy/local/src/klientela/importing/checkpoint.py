"""Which orders of a channel the service has taken, so that a second run need not send them.

It only saves time: without it all is sent again, and the service knows what it knows.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

from klientela.layout import DataDirectory

DIGEST = 32
"""Letters of a digest."""


@dataclass
class Checkpoint:
    """Digests of the orders sent by one channel, one a line below the stamp of the restore they stand on."""

    path: Path
    stamp: str
    sent: set[str]

    @classmethod
    def of(cls, layout: DataDirectory, channel: UUID) -> "Checkpoint":
        """Read a channel's checkpoint; after a restore it starts anew, for the service may have forgotten orders."""
        path = imports_folder(layout) / f"{channel}.sent"
        stamp = restore_stamp(layout)
        lines = path.read_text().splitlines() if path.exists() else []
        whole = {line for line in lines[1:] if len(line) == DIGEST}
        return cls(path, stamp, whole if lines[:1] == [stamp] else set())

    def __enter__(self) -> Self:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if self.sent else os.O_TRUNC)
        self._file = os.fdopen(os.open(self.path, flags, 0o600), "w")
        self._file.write("\n" if self.sent else f"{self.stamp}\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, digests: Iterable[str]) -> None:
        """Remember orders that the service has taken; a line that a crash cut short is none."""
        new = list(digests)
        self._file.write("".join(f"{digest}\n" for digest in new))
        self._file.flush()
        self.sent.update(new)


def imports_folder(layout: DataDirectory) -> Path:
    """Where imports keep what they know."""
    return layout.root / "imports"


def restore_stamp(layout: DataDirectory) -> str:
    """The stamp of the last restore, or nothing."""
    stamp = layout.secrets / "restore-stamp"
    return stamp.read_text().strip() if stamp.exists() else "first"
