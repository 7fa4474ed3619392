"""The AsyncAPI 3.0 document of a service, made from the events it publishes and listens to."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic.json_schema import models_json_schema

from schemas.event import Event

Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_NUMBER: Json = {"type": "string", "pattern": "^[0-9]+$"}

HEADERS: Json = {
    "type": "object",
    "description": "CloudEvents 1.0 in Kafka's binary mode; all values are text.",
    "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "ce_lane", "ce_sequence"],
    "properties": {
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": {"type": "string", "format": "uuid", "description": "The event's id, the same for ever."},
        "ce_source": _TEXT | {"description": "The service that published it, after the prefix /klientela/."},
        "ce_type": _TEXT | {"description": "The wire name, which says how the body is read."},
        "ce_subject": {"type": "string", "format": "uuid"},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_lane": _NUMBER,
        "ce_sequence": _NUMBER | {"description": "Gapless in its source and lane, within one incarnation."},
        "ce_incarnation": _NUMBER,
        "ce_subjectversion": _NUMBER | {"description": "Version of the state in the body; 0 when it carries none."},
        "ce_correlationid": {"type": "string", "format": "uuid"},
        "ce_causationid": _TEXT | {"description": "Id of the event that caused this one, or empty."},
        "ce_causationplace": _TEXT | {"description": "source/lane/sequence of the cause."},
        "ce_hops": _NUMBER,
        "ce_actor": _TEXT,
        "content-type": {"type": "string", "const": "application/json"},
    },
}


def asyncapi(
    service: str, publishes: Sequence[type[Event]], listens: Mapping[str, Sequence[str]], version: str
) -> Json:
    """Describe a service: what it sends to its own topic, and which handlers receive what from whose topic.

    ``listens`` maps an event type to the names of its handlers. Raises KeyError for a type nobody knows, and
    ValueError for an event of another owner among those published.
    """
    from schemas.catalogue import EVENTS  # noqa: PLC0415  the catalogue imports all owners; only this call wants it

    for event in publishes:
        if event.owner() != service:
            message = f"{service} cannot publish {event.event_type}: it is owned by {event.owner()}"
            raise ValueError(message)
    heard = [EVENTS[name] for name in sorted(listens) if listens[name]]
    known = {event.event_type: event for event in (*publishes, *heard)}
    payloads, components = _payloads(list(known.values()))
    return {
        "asyncapi": "3.0.0",
        "info": {"title": service, "version": version, "description": f"Events of the {service} service."},
        "defaultContentType": "application/json",
        "channels": _channels(known),
        "operations": _operations(service, publishes, {event.event_type: listens[event.event_type] for event in heard}),
        "components": {
            "messages": {name: _message(event, payloads[name]) for name, event in known.items()},
            "schemas": {**components, "Headers": HEADERS},
        },
    }


def _payloads(events: list[type[Event]]) -> tuple[dict[str, Json], dict[str, Json]]:
    """Return the payload reference of each event type, and the schemas they refer to."""
    template = "#/components/schemas/{model}"
    found, document = models_json_schema([(event, "serialization") for event in events], ref_template=template)
    return {event.event_type: found[event, "serialization"] for event in events}, document.get("$defs", {})


def _channels(known: Mapping[str, type[Event]]) -> dict[str, Json]:
    channels: dict[str, Json] = {}
    for name, event in sorted(known.items()):
        topic = event.owner()
        channel = channels.setdefault(topic, {"address": topic, "messages": {}})
        channel["messages"][name] = {"$ref": f"#/components/messages/{name}"}
    return channels


def _operations(
    service: str, publishes: Sequence[type[Event]], listens: Mapping[str, Sequence[str]]
) -> dict[str, Json]:
    operations: dict[str, Json] = {}
    if publishes:
        names = sorted(event.event_type for event in publishes)
        operations["publish"] = _operation("send", service, names)
    for name, handlers in listens.items():
        for handler in handlers:
            key = f"{handler}_{name.replace('.', '_')}"
            operations[key] = _operation("receive", name.split(".", 1)[0], [name]) | {"title": handler}
    return operations


def _operation(action: str, topic: str, names: Sequence[str]) -> Json:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic}"},
        "messages": [{"$ref": f"#/channels/{topic}/messages/{name}"} for name in names],
    }


def _message(event: type[Event], payload: Json) -> Json:
    return {
        "name": event.event_type,
        "title": event.__name__,
        "summary": (event.__doc__ or "").strip().splitlines()[0],
        "headers": {"$ref": "#/components/schemas/Headers"},
        "payload": payload,
    }
