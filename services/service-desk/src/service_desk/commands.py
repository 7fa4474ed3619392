"""What people ask the service desk to do."""

from datetime import datetime
from uuid import UUID, uuid4

from chassis.consume.fold import perform
from chassis.errors import NotFound
from chassis.events.unit import Unit
from schemas.orders import DeviceTerms
from service_desk import store
from service_desk.domain import (
    Care,
    ChangeLead,
    CompleteServiceOrder,
    Device,
    Lead,
    OpenServiceOrder,
    RegisterDevice,
    ServiceOrder,
)  # fmt: skip


class ServiceOrderUnknown(NotFound):
    """There is no such service order."""

    slug = "service-order-unknown"


async def register_device(
    unit: Unit,
    client_id: UUID,
    terms: DeviceTerms,
    sold_at: datetime,
    *,
    sku: str,
    service_package: str | None,
) -> Device:
    """Enter a device that no order sold here."""
    wanted = RegisterDevice(uuid4(), client_id, sku, terms, service_package, sold_at, await unit.now())
    care: Care = await perform(unit, Care.register, wanted, store.cares)
    return care.known_device


async def open_service_order(unit: Unit, device_id: UUID, title: str) -> ServiceOrder:
    """Agree work on a device."""
    wanted = OpenServiceOrder(device_id, uuid4(), title, await unit.now())
    care: Care = await perform(unit, Care.open, wanted, store.cares)
    return care.service_orders[wanted.service_order_id]


async def complete_service_order(
    unit: Unit, service_order_id: UUID, completed_at: datetime, expected_version: int | None = None
) -> ServiceOrder:
    """Note when the work on a device was done."""
    known = await store.find_service_order(unit, service_order_id)
    if known is None:
        raise ServiceOrderUnknown
    done = CompleteServiceOrder(known.device_id, service_order_id, completed_at, await unit.now(), expected_version)
    care: Care = await perform(unit, Care.complete, done, store.cares)
    return care.service_orders[service_order_id]


async def change_lead(unit: Unit, months: int, expected_version: int | None = None) -> Lead:
    """Change how long before the next care clients are reminded."""
    lead: Lead = await perform(unit, Lead.change, ChangeLead(months, expected_version), store.leads)
    return lead
