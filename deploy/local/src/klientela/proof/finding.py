"""What one check found."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

SHOWN = 100
"""Failures that are named; the rest is only counted, so that a broken suite does not drown its report."""


@dataclass
class Finding:
    """One check's result: how many rows it looked at, what it found wrong, and a remark that is no failure."""

    name: str
    examined: int = 0
    failures: list[str] = field(default_factory=list)
    failed: int = 0
    note: str = ""

    def fail(self, what: str) -> None:
        """Note one failure."""
        self.failed += 1
        if len(self.failures) < SHOWN:
            self.failures.append(what)

    def fail_all(self, failures: Iterable[str]) -> "Finding":
        """Note failures; return the finding itself."""
        for what in failures:
            self.fail(what)
        return self

    def as_json(self) -> dict[str, Any]:
        """What machines get; ``failed`` counts also the failures that are not named."""
        said: dict[str, Any] = {"name": self.name, "examined": self.examined, "failures": self.failures}
        if self.failed > len(self.failures):
            said["failed"] = self.failed
        if self.note:
            said["note"] = self.note
        return said
