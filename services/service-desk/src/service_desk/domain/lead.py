"""How long before the next care a client is reminded, and what follows when that is changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from chassis.effects import StartJob
from chassis.errors import VersionMismatch
from schemas.ids import derive

REPLAN = "replan"


class ChangeLead(NamedTuple):
    """A manager wants another lead."""

    months: int
    expected_version: int | None = None


@dataclass(slots=True)
class Lead:
    """The setting: months before the next care."""

    months: int
    version: int

    def change(self, wanted: ChangeLead) -> Iterator[StartJob]:
        """Change the lead, and have the notices that wait planned anew. Raises VersionMismatch."""
        if wanted.expected_version not in {None, self.version}:
            raise VersionMismatch
        if wanted.months != self.months:
            self.months, self.version = wanted.months, self.version + 1
            yield StartJob(REPLAN, derive("lead", self.version))
