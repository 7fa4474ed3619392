"""Care for one device: entered by hand, worked on, reminded of."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from chassis.effects import TimerFired
from chassis.errors import BusinessError, NotFound, VersionMismatch
from schemas import service_desk as public
from schemas.event import Event
from schemas.orders import DeviceTerms
from schemas.service_desk import MaintenanceDue, ServiceOrderCompleted, ServiceOrderOpened
from service_desk.domain.device import Device, Effect, announce, set_timer


class DeviceUnknown(NotFound):
    """There is no such device."""

    slug = "device-unknown"


class DeviceOutOfCare(BusinessError):
    """The device is closed: its order was given back."""

    slug = "device-closed"


class SoldInFuture(BusinessError):
    """A device cannot have been sold in the future."""

    slug = "sold-in-future"
    status = 422


class CompletedInFuture(BusinessError):
    """Work cannot have been completed in the future."""

    slug = "completed-in-future"
    status = 422


class AlreadyCompleted(BusinessError):
    """The service order was completed at another time."""

    slug = "already-completed"


class RegisterDevice(NamedTuple):
    """A person enters a device that no order sold here."""

    device_id: UUID
    client_id: UUID
    sku: str
    terms: DeviceTerms
    service_package: str | None
    sold_at: datetime
    now: datetime


class OpenServiceOrder(NamedTuple):
    """A person agrees work on a device."""

    device_id: UUID
    service_order_id: UUID
    title: str
    now: datetime


class CompleteServiceOrder(NamedTuple):
    """A person says when the work was done."""

    device_id: UUID
    service_order_id: UUID
    completed_at: datetime
    now: datetime
    expected_version: int | None = None


@dataclass(slots=True)
class ServiceOrder:
    """One job on one device; it carries the client who had the device when it was last worked on."""

    id: UUID
    device_id: UUID
    client_id: UUID | None
    title: str
    opened_at: datetime
    state: Literal["open", "completed"] = "open"
    completed_at: datetime | None = None
    version: int = 1

    def public(self) -> public.ServiceOrder:
        """Return the state that events carry."""
        return public.ServiceOrder(
            id=self.id, device_id=self.device_id, client_id=self.client_id, title=self.title, state=self.state,
            opened_at=self.opened_at, completed_at=self.completed_at, version=self.version,
        )  # fmt: skip


@dataclass(slots=True)
class Care:
    """A device, if there is one, with the service orders that are looked at now."""

    device: Device | None
    lead_months: int
    service_orders: dict[UUID, ServiceOrder] = field(default_factory=dict)

    def register(self, wanted: RegisterDevice) -> Iterator[Effect]:
        """Enter a device by hand. Raises SoldInFuture."""
        if wanted.sold_at > wanted.now:
            raise SoldInFuture
        device = self.device = Device(
            wanted.device_id, wanted.client_id, None, wanted.sku, wanted.terms, wanted.service_package, wanted.sold_at,
            version=1,
        )  # fmt: skip
        yield from announce(None, device)

    def open(self, wanted: OpenServiceOrder) -> Iterator[Event]:
        """Agree work on the device. Raises DeviceUnknown and DeviceOutOfCare."""
        device = self.known_device
        if device.state == "closed":
            raise DeviceOutOfCare
        order = ServiceOrder(wanted.service_order_id, device.id, device.client_id, wanted.title, wanted.now)
        self.service_orders[order.id] = order
        yield ServiceOrderOpened(service_order=order.public())

    def complete(self, done: CompleteServiceOrder) -> Iterator[Effect]:
        """Note when the work was done; the latest completed service says when the device wants care again.

        Said twice, it is done once. Raises CompletedInFuture, AlreadyCompleted and VersionMismatch.
        """
        device, order = self.known_device, self.service_orders[done.service_order_id]
        if order.completed_at == done.completed_at:
            return
        if order.completed_at:
            raise AlreadyCompleted
        if done.expected_version not in {None, order.version}:
            raise VersionMismatch
        if done.completed_at > done.now:
            raise CompletedInFuture
        order.state, order.completed_at, order.version = "completed", done.completed_at, order.version + 1
        order.client_id = device.client_id
        yield ServiceOrderCompleted(service_order=order.public())
        if device.last_service_at is None or done.completed_at > device.last_service_at:
            armed, device.last_service_at = device.armed, done.completed_at
            device.plan_notice(self.lead_months)
            yield from set_timer(armed, device)

    def replan(self) -> Iterator[Effect]:
        """Move the notice that waits to where the present lead wants it."""
        if self.device:
            armed = self.device.armed
            self.device.replan_notice(self.lead_months)
            yield from set_timer(armed, self.device)

    def remind(self, fired: TimerFired) -> Iterator[Event]:
        """Say once that the device wants care, unless that is not what its state wants any more."""
        device = self.device
        if device and device.last_service_at and device.due_at and device.armed == fired.due:
            device.notice_at = None
            yield MaintenanceDue(device=device.public(), due_at=device.due_at, last_service_at=device.last_service_at)

    @property
    def known_device(self) -> Device:
        """The device. Raises DeviceUnknown."""
        if self.device is None:
            raise DeviceUnknown
        return self.device
