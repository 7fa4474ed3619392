"""A device at a client: its warranty, its last care, and what is said when it changes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from chassis.effects import CancelTimer, SetTimer
from schemas import service_desk as public
from schemas.event import Event
from schemas.orders import DeviceTerms
from schemas.service_desk import DeviceClosed, DeviceLeft, DeviceRegistered
from service_desk.domain.months import months_later

REMIND = "maintenance"
Effect = Event | SetTimer | CancelTimer
"""What a decision may say."""


@dataclass(slots=True)
class Device:
    """One device. ``declared`` is the version of the last order state that named it; 0 when entered by hand.

    ``notice_at`` is when its client is to be reminded, reckoned with ``notice_lead`` months of lead; None once that was
    done, until the next completed service.
    """

    id: UUID
    client_id: UUID | None
    order_id: UUID | None
    sku: str
    terms: DeviceTerms
    service_package: str | None
    sold_at: datetime
    state: Literal["active", "closed"] = "active"
    version: int = 0
    declared: int = 0
    last_service_at: datetime | None = None
    notice_at: datetime | None = None
    notice_lead: int | None = None

    @property
    def warranty_until(self) -> datetime:
        """The end of the warranty, by calendar months from the sale."""
        return months_later(self.sold_at, self.terms.warranty_months)

    @property
    def due_at(self) -> datetime | None:
        """When the next care is due, by calendar months from the last."""
        return months_later(self.last_service_at, self.terms.service_months) if self.last_service_at else None

    @property
    def armed(self) -> datetime | None:
        """When its timer must go off: a closed device, or one that belongs to nobody, has none."""
        return self.notice_at if self.state == "active" and self.client_id else None

    def replan_notice(self, lead_months: int) -> None:
        """Reckon the notice that waits with another lead, if it was another."""
        if self.notice_at and self.notice_lead != lead_months:
            self.plan_notice(lead_months)

    def plan_notice(self, lead_months: int) -> None:
        """Reckon the notice anew: the lead before the next care, and not before the last one."""
        if self.last_service_at:
            months = max(self.terms.service_months - lead_months, 0)
            self.notice_at, self.notice_lead = months_later(self.last_service_at, months), lead_months

    def covered(self, at: datetime) -> bool:
        """Tell whether the warranty covers a failure at a moment."""
        return self.state == "active" and self.sold_at <= at < self.warranty_until

    def public(self) -> public.Device:
        """Return the state that events carry."""
        return public.Device(
            id=self.id, client_id=self.client_id, order_id=self.order_id, sku=self.sku, terms=self.terms,
            service_package=self.service_package, sold_at=self.sold_at, warranty_until=self.warranty_until,
            state=self.state, version=self.version,
        )  # fmt: skip


def announce(before: Device | None, device: Device) -> Iterator[Effect]:
    """Say what became of a device: farewell in the lane it left, its state in the lane of its client, its timer.

    A device that belongs to nobody has no lane to be spoken of in.
    """
    left = before.client_id if before else None
    if before is None or before.version != device.version:
        state = device.public()
        if left and left != device.client_id:
            yield DeviceLeft(device=state, left=left)
        if device.client_id:
            yield DeviceRegistered(device=state) if device.state == "active" else DeviceClosed(device=state)
    yield from set_timer(before.armed if before else None, device)


def set_timer(armed_before: datetime | None, device: Device) -> Iterator[SetTimer | CancelTimer]:
    """Bring the device's timer to where its state wants it."""
    if device.armed == armed_before:
        return
    if device.armed:
        yield SetTimer(REMIND, device.id, device.armed, device.client_id)
    else:
        yield CancelTimer(REMIND, device.id)
