"""How long before the next care a client is reminded, and what follows when that is changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from chassis.effects import CancelTimer, SetTimer, TimerFired
from chassis.errors import VersionMismatch
from schemas.ids import derive
from service_desk.domain.device import Device, set_timer

REPLAN = "replan"


class ChangeLead(NamedTuple):
    """A manager wants another lead."""

    months: int
    now: datetime
    expected_version: int | None = None


@dataclass(slots=True)
class Lead:
    """The setting: months before the next care."""

    months: int
    version: int

    def change(self, wanted: ChangeLead) -> Iterator[SetTimer]:
        """Change the lead, and have the notices that wait planned anew. Raises VersionMismatch."""
        if wanted.expected_version not in {None, self.version}:
            raise VersionMismatch
        if wanted.months != self.months:
            self.months, self.version = wanted.months, self.version + 1
            yield SetTimer(REPLAN, derive("lead", self.version), wanted.now)


@dataclass(slots=True)
class Replanning:
    """A page of the devices whose notice was planned with another lead; empty when there are none left."""

    devices: list[Device]
    lead_months: int

    def go_on(self, fired: TimerFired) -> Iterator[SetTimer | CancelTimer]:
        """Plan the page anew and ask for the next one, a moment later so that it is a firing of its own."""
        for device in self.devices:
            armed = device.armed
            device.plan_notice(self.lead_months)
            yield from set_timer(armed, device)
        if self.devices:
            yield SetTimer(fired.kind, fired.subject, fired.due + timedelta(microseconds=1))
