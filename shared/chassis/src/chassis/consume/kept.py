"""Messages as bytes: how parked events and dead letters keep what they were, to be tried again."""

from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import orjson

from chassis.effects import Restate, TimerFired, Turn
from chassis.events.record import Cause, Record, from_json
from chassis.events.timers import pack, unpack
from chassis.service import Intake

Prompted: TypeAlias = tuple[TimerFired | Turn | Restate, Cause]
Origin: TypeAlias = Record | Intake | Prompted

NAMES = {TimerFired: "timer", Turn: "turn", Restate: "restate"}


def keep(origin: Origin) -> bytes:
    """Turn what a message came as into bytes; bodies need not be JSON, nor text."""
    if isinstance(origin, Record):
        attributes = {**origin.as_json(), "data": None}
        return orjson.dumps({"record": attributes, "body": origin.body.decode("latin-1")}, default=str)
    if isinstance(origin, Intake):
        number, kind, channel, body, cause_id = origin
        return orjson.dumps({"intake": [number, kind, channel, cause_id], "body": body.decode("latin-1")}, default=str)
    prompt, cause = origin
    return orjson.dumps({NAMES[type(prompt)]: list(prompt), "cause": pack(cause).decode()}, default=str)


def readable(data: bytes) -> dict[str, Any]:
    """Return what ``keep`` wrote for a person to read; bytes that are no UTF-8 show as replacement signs."""
    found: dict[str, Any] = orjson.loads(data)
    if "body" in found:
        found["body"] = found["body"].encode("latin-1").decode(errors="replace")
    return found


def kept(data: bytes) -> Origin:
    """Read what ``keep`` wrote."""
    found: dict[str, Any] = orjson.loads(data)
    if "record" in found:
        return from_json(found["record"])._replace(body=found["body"].encode("latin-1"))
    if "intake" in found:
        number, kind, channel, cause_id = found["intake"]
        origin, caused_by = (UUID(text) if text else None for text in (channel, cause_id))
        return Intake(number, kind, origin, found["body"].encode("latin-1"), caused_by)
    cause = unpack(found["cause"].encode())
    if "turn" in found:
        kind, subject, key = found["turn"]
        return Turn(kind, UUID(subject), UUID(key)), cause
    if "restate" in found:
        kind, subject, keys = found["restate"]
        return Restate(kind, UUID(subject), tuple(map(UUID, keys))), cause
    kind, subject, due = found["timer"]
    return TimerFired(kind, UUID(subject), datetime.fromisoformat(due)), cause
