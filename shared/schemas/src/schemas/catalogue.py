"""All events there are, by their wire names."""

from schemas import automation, clients, loyalty, orders, service_desk
from schemas.event import Event

OWNERS = ("clients", "orders", "service-desk", "loyalty", "automation")
EVENTS: dict[str, type[Event]] = {
    event.event_type: event
    for module in (clients, orders, service_desk, loyalty, automation)
    for event in module.EVENTS
}
