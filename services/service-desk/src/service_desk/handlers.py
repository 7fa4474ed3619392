"""What happens elsewhere, and what the service desk decides about it."""

from collections.abc import Iterator

from chassis.effects import TimerFired, Turn
from chassis.events.unit import Effect
from chassis.service import Service
from schemas.event import Event
from schemas.orders import ORDER_EVENTS, OrderEvent, OrderForgotten
from schemas.service_desk import EVENTS
from service_desk import store
from service_desk.domain import REMIND, REPLAN, Care, OrderDevices

service = Service("service-desk", states=(store.orders, store.cares), publishes=EVENTS, checks=store.CHECKS)


@service.on(*ORDER_EVENTS, state=store.orders)
def follow_order(devices: OrderDevices, event: OrderEvent) -> Iterator[Effect]:
    """Paying an order makes one device a unit; a full refund closes it; a move takes it along."""
    yield from devices.follow(event)


@service.on(OrderForgotten, state=store.orders)
def forget_order(devices: OrderDevices, event: OrderForgotten) -> Iterator[Effect]:
    """An order that is no more has no devices in care."""
    yield from devices.forget(event)


@service.timer(REMIND, state=store.cares)
def remind_of_maintenance(care: Care, fired: TimerFired) -> Iterator[Event]:
    """The lead time before the next care has come: said once per completed service."""
    yield from care.remind(fired)


@service.job(REPLAN, state=store.cares, page=store.planned_otherwise)
def replan(care: Care, _: Turn) -> Iterator[Effect]:
    """Another lead moves the notices that wait."""
    yield from care.replan()
