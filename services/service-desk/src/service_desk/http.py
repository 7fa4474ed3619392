"""The API of the service desk: devices, service orders, and the lead of reminders."""

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from chassis.events.unit import Unit
from chassis.web.paging import Count, Cursor, Limit, Page, moment, page_of, read_cursor
from chassis.web.preconditions import Expected
from chassis.web.route import Manages, Reads, Writes, router
from schemas import service_desk as public
from schemas.orders import DeviceTerms
from schemas.values import Instant, Name, Text
from service_desk import commands, store
from service_desk.domain import Device, ServiceOrder
from service_desk.domain.care import DeviceUnknown

HISTORY = 100
routes = router("service-desk")


class Wanted(BaseModel):
    """A request; what it does not know is an error and not a typo passed over."""

    model_config = ConfigDict(extra="forbid")


class TermsWanted(DeviceTerms):
    """The terms of a device entered by hand."""

    model_config = ConfigDict(extra="forbid")


class DeviceWanted(Wanted):
    """A device that no order sold here."""

    client_id: UUID
    terms: TermsWanted
    sold_at: Instant
    sku: Text = ""
    service_package: Name | None = None


class ServiceOrderWanted(Wanted):
    """Work to be done on a device."""

    device_id: UUID
    title: Name


class Completion(Wanted):
    """When the work was done; the past is allowed."""

    completed_at: Instant


class LeadWanted(Wanted):
    """Months before the next care."""

    lead_months: Annotated[int, Field(strict=True, ge=0, le=600)]


class LeadView(BaseModel):
    """Months before the next care in which a client is reminded."""

    lead_months: int
    version: int


class Warranty(BaseModel):
    """The warranty, and whether it covers a failure now."""

    until: datetime
    covered: bool


class Maintenance(BaseModel):
    """The last care, when the next is due, and when the client will be reminded; null once that was done."""

    last_service_at: datetime | None
    due_at: datetime | None
    notice_at: datetime | None


class DeviceView(public.Device):
    """A device with its warranty and its care, which change with time and not with the device's version alone."""

    version_tells_all: ClassVar[bool] = False

    warranty: Warranty
    maintenance: Maintenance


class DeviceCard(DeviceView):
    """A device with its service history, the last hundred jobs."""

    service_orders: list[public.ServiceOrder]


@routes.get("/devices")
async def list_devices(
    unit: Reads, client_id: UUID | None = None, limit: Limit = 100, cursor: Cursor = None, *, count: Count = False
) -> Page[DeviceView]:
    """Return the devices that a client has, or all clients, the last sold first."""
    now = await unit.now()
    rows = await store.list_devices(unit, client_id, _before(cursor), limit + 1)
    page = page_of(rows, limit, lambda device: (device.sold_at, device.id), lambda device: _view(device, now))
    page.count = await store.count_devices(unit, client_id) if count else None
    return page


@routes.get("/devices/{device_id}")
async def get_device(unit: Reads, device_id: UUID) -> DeviceCard:
    """Return a device with its warranty, its service history and its next care."""
    device = await store.find_device(unit, device_id)
    if device is None:
        raise DeviceUnknown
    view = _view(device, await unit.now())
    history = await store.list_service_orders(unit, device_id, None, HISTORY)
    return DeviceCard.model_validate({**dict(view), "service_orders": [order.public() for order in history]})


@routes.post("/devices", status_code=201)
async def register_device(unit: Writes, wanted: DeviceWanted) -> DeviceView:
    """Enter a device by hand."""
    terms = DeviceTerms(**wanted.terms.model_dump())
    device = await commands.register_device(
        unit, wanted.client_id, terms, wanted.sold_at, sku=wanted.sku, service_package=wanted.service_package
    )
    return _view(device, await unit.now())


@routes.get("/service-orders")
async def list_service_orders(
    unit: Reads, device_id: UUID | None = None, limit: Limit = 100, cursor: Cursor = None, *, count: Count = False
) -> Page[public.ServiceOrder]:
    """Return the service orders of a device, or all, the last opened first."""
    rows = await store.list_service_orders(unit, device_id, _before(cursor), limit + 1)
    page = page_of(rows, limit, lambda order: (order.opened_at, order.id), ServiceOrder.public)
    page.count = await store.count_service_orders(unit, device_id) if count else None
    return page


@routes.get("/service-orders/{service_order_id}")
async def get_service_order(unit: Reads, service_order_id: UUID) -> public.ServiceOrder:
    """Return a service order."""
    order = await store.find_service_order(unit, service_order_id)
    if order is None:
        raise commands.ServiceOrderUnknown
    return order.public()


@routes.post("/service-orders", status_code=201)
async def open_service_order(unit: Writes, wanted: ServiceOrderWanted) -> public.ServiceOrder:
    """Agree work on a device."""
    return (await commands.open_service_order(unit, wanted.device_id, wanted.title)).public()


@routes.post("/service-orders/{service_order_id}/complete")
async def complete_service_order(
    unit: Writes, service_order_id: UUID, done: Completion, expected: Expected
) -> public.ServiceOrder:
    """Say when the work was done; the past is allowed."""
    return (await commands.complete_service_order(unit, service_order_id, done.completed_at, expected)).public()


@routes.get("/settings/maintenance")
async def get_lead(unit: Reads) -> LeadView:
    """Return how long before the next care clients are reminded."""
    return await _lead(unit)


@routes.put("/settings/maintenance")
async def put_lead(unit: Manages, wanted: LeadWanted, expected: Expected) -> LeadView:
    """Change how long before the next care clients are reminded; what waits is planned anew."""
    lead = await commands.change_lead(unit, wanted.lead_months, expected)
    return LeadView(lead_months=lead.months, version=lead.version)


async def _lead(unit: Unit) -> LeadView:
    lead = await store.read_lead(unit)
    return LeadView(lead_months=lead.months, version=lead.version)


def _view(device: Device, now: datetime) -> DeviceView:
    warranty = Warranty(until=device.warranty_until, covered=device.covered(now))
    cared = device.state == "active"
    maintenance = Maintenance(
        last_service_at=device.last_service_at, due_at=device.due_at if cared else None, notice_at=device.armed
    )
    return DeviceView(**dict(device.public()), warranty=warranty, maintenance=maintenance)


def _before(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    at, last = read_cursor(cursor, moment, UUID)
    return at, last
