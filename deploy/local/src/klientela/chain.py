"""Links of causes: an event as `explain` shows it, and what caused it."""

from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from klientela.running import Apis, Refused

Event = dict[str, Any]
Link = dict[str, Any]
LONGEST = 64
"""Events in a chain at most; hops stop rules far earlier."""

VERSION_OF_DERIVED = 5
"""Ids of raw messages, of timers' firings and of turns in a job are derived; a command's id is random."""


class Causes:
    """Follows events back to their roots; an event and a rule's name are asked for once."""

    def __init__(self, apis: Apis) -> None:
        """Ask the services through these APIs."""
        self._apis = apis
        self._events: dict[str, Event | None] = {}
        self._names: dict[str, str | None] = {}

    def back_from(self, event: Event) -> Iterator[tuple[Event, Link]]:
        """The event, then what caused it, and so on to the root, each with its link."""
        for _ in range(LONGEST):
            before, cause = self._cause_of(event)
            yield event, self._link_of(event) | ({"cause": cause} if cause else {})
            if before is None:
                return
            event = before

    def _cause_of(self, event: Event) -> tuple[Event | None, dict[str, Any] | None]:
        """The event that caused this one, and what stands between them or instead of it."""
        place = event["causationplace"]
        if not place.partition("/")[2]:
            return None, outer_cause(event)
        if place not in self._events:
            self._events[place] = self._at(place)
        before = self._events[place]
        if before is not None and before["id"] == event["causationid"]:  # whatever the clocks of two databases say
            return before, None
        if before is None or _instant(before) > _instant(event):  # what came later took the number after a rewind
            return None, {"kind": "lost", "place": place}
        return before, {"kind": "timer", "id": event["causationid"]}

    def _at(self, place: str) -> Event | None:
        source, lane, sequence = place.split("/")
        try:
            return self._apis.get(source, f"/v1/events/{lane}/{sequence}")
        except Refused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
            return None

    def _link_of(self, event: Event) -> Link:
        """One link as the contract has it; the rule is there where one asked for something."""
        body = event["data"]
        rule, version = body.get("rule_id"), body.get("rule_version")
        if event["source"] != "automation" or rule is None:
            rule = version = None
        link = {
            "event_id": event["id"],
            "type": event["type"],
            "at": event["time"],
            "source": event["source"],
            "lane": event["lane"],
            "sequence": event["sequence"],
            "rule": rule,
            "rule_version": version,
        }
        return link | ({"rule_name": self._name_of(rule)} if rule else {})

    def _name_of(self, rule: str) -> str | None:
        """What a rule is called now; nothing for one that is gone."""
        if rule not in self._names:
            try:
                self._names[rule] = self._apis.get("automation", f"/v1/rules/{rule}")["name"]
            except (Refused, KeyError):
                self._names[rule] = None
        return self._names[rule]


def _instant(event: Event) -> datetime:
    return datetime.fromisoformat(event["time"])


def outer_cause(event: Event) -> dict[str, Any]:
    """What caused an event that no event caused. Who asked is told by the actor: ``role:name`` or ``channel:id``."""
    causation, actor = event["causationid"], event["actor"]
    if not causation:
        kind = "start"
    elif actor.startswith(("channel", "intake")):
        kind = "intake"
    else:
        kind = "timer" if UUID(causation).version == VERSION_OF_DERIVED else "command"
    return {"kind": kind, "id": causation, "actor": actor}
