"""What rules may listen to, whom an event concerns, and which fields conditions may name."""

from functools import cache
from uuid import UUID

from automation.domain.facts import Card, Facts
from chassis.rules import Field, fields_of
from schemas.clients import ClientCreated, ClientEvent, ClientForgotten, ClientStarred, ClientStatusChanged
from schemas.event import Event
from schemas.loyalty import AccountEvent, PointsEarned, TierReached
from schemas.orders import OrderAssigned, OrderEvent, OrderForgotten, OrderPaid, OrderPlaced, OrderRefunded
from schemas.service_desk import DeviceEvent, DeviceRegistered, MaintenanceDue, ServiceOrderCompleted, ServiceOrderEvent

TRIGGERS: dict[str, type[Event]] = {
    event.event_type: event
    for event in (
        OrderPaid, OrderPlaced, OrderRefunded, OrderAssigned, ClientCreated, ClientStatusChanged, ClientStarred,
        TierReached, PointsEarned, DeviceRegistered, ServiceOrderCompleted, MaintenanceDue,
    )
}  # fmt: skip
"""The events that rules may listen to, by wire name."""


def client_of(event: Event) -> UUID | None:
    """Return the client in whose lane an event travels; None if it concerns nobody who is a client yet."""
    match event:
        case OrderEvent() | OrderForgotten() | ClientForgotten():
            return event.client_id
        case DeviceEvent(device=device) | MaintenanceDue(device=device):
            return device.client_id
        case ServiceOrderEvent(service_order=job):
            return job.client_id
        case ClientEvent() | AccountEvent():
            return event.partition_key
        case _:
            return None


@cache
def vocabulary(event_type: str) -> dict[str, Field]:
    """Return the fields that conditions on an event may name: the event's own, then what is known of the client."""
    return {**fields_of(Facts, "facts", "facts."), **fields_of(Card, "client", "client."), **_own(event_type)}


def _own(event_type: str) -> dict[str, Field]:
    return fields_of(TRIGGERS[event_type], "event")
