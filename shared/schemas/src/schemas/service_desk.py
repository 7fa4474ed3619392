"""What the service desk publishes."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from schemas.event import Event, Value
from schemas.orders import DeviceTerms
from schemas.values import Instant, Name, Text


class Device(Value):
    """Public state of one device at a client; ``client_id`` is missing while its order belongs to nobody."""

    id: UUID
    client_id: UUID | None
    order_id: UUID | None = None
    sku: Text = ""
    terms: DeviceTerms
    service_package: Name | None = None
    sold_at: Instant
    warranty_until: Instant
    state: Literal["active", "closed"] = "active"
    version: int = Field(ge=1)


class DeviceEvent(Event):
    """Common shape: the device as it is now."""

    device: Device

    @property
    def partition_key(self) -> UUID:
        return self.device.client_id or self.device.id

    @property
    def subject_id(self) -> UUID:
        return self.device.id

    @property
    def subject_version(self) -> int:
        return self.device.version


class DeviceRegistered(DeviceEvent):
    """A client has a device: it was sold, entered by hand, or came with an order from another client."""

    event_type: ClassVar[str] = "service-desk.device_registered.v1"


class DeviceClosed(DeviceEvent):
    """A device is out of care: its order was given back in full."""

    event_type: ClassVar[str] = "service-desk.device_closed.v1"


class DeviceLeft(DeviceEvent):
    """A device left a client with its order: the farewell in the old lane."""

    event_type: ClassVar[str] = "service-desk.device_left.v1"
    left: UUID

    @property
    def partition_key(self) -> UUID:
        return self.left


class ServiceOrder(Value):
    """One job on one device."""

    id: UUID
    device_id: UUID
    client_id: UUID | None
    title: Name
    state: Literal["open", "completed"] = "open"
    opened_at: Instant
    completed_at: Instant | None = None
    version: int = Field(ge=1)


class ServiceOrderEvent(Event):
    """Common shape: the service order as it is now."""

    service_order: ServiceOrder

    @property
    def partition_key(self) -> UUID:
        return self.service_order.client_id or self.service_order.device_id

    @property
    def subject_id(self) -> UUID:
        return self.service_order.id

    @property
    def subject_version(self) -> int:
        return self.service_order.version


class ServiceOrderOpened(ServiceOrderEvent):
    """Work on a device was agreed."""

    event_type: ClassVar[str] = "service-desk.service_order_opened.v1"


class ServiceOrderCompleted(ServiceOrderEvent):
    """Work on a device is done."""

    event_type: ClassVar[str] = "service-desk.service_order_completed.v1"


class MaintenanceDue(Event):
    """A device wants preventive care soon: the lead time before its next service has come."""

    event_type: ClassVar[str] = "service-desk.maintenance_due.v1"
    device: Device
    due_at: Instant
    last_service_at: Instant

    @property
    def partition_key(self) -> UUID:
        return self.device.client_id or self.device.id

    @property
    def subject_id(self) -> UUID:
        return self.device.id


EVENTS: tuple[type[Event], ...] = (
    DeviceRegistered, DeviceClosed, DeviceLeft, ServiceOrderOpened, ServiceOrderCompleted, MaintenanceDue,
)  # fmt: skip
