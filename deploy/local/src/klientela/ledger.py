"""The chain of a balance: each line of a client's ledger with its event, what moved it, the programme's version."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from klientela.chain import Causes, Event, Link
from klientela.running import Apis

POINTS = ("loyalty.points_earned.v1", "loyalty.points_taken_back.v1")
TIER = "loyalty.tier_reached.v1"
SHOWN = 20
"""Lines of a ledger that are shown unless all are asked for."""


class Ledger(NamedTuple):
    """``chain`` holds the movements with their causes before them, ``earlier`` is how many movements came before."""

    chain: list[Link]
    movements: list[Link]
    earlier: int

    @property
    def balance(self) -> int:
        """The points after the last movement."""
        return int(self.movements[-1]["balance"])


def ledger_of(apis: Apis, client: UUID, *, tier: bool, whole: bool) -> Ledger | None:
    """The ledger up to its end or, for the ``tier``, to when that was reached; nothing if none was ever written."""
    events = movements_of(apis, client, (*POINTS, TIER) if tier else POINTS)
    reached = [number for number, event in enumerate(events) if event["type"] == TIER]
    events = events[: reached[-1] + 1] if reached else events
    if not events:
        return None
    shown = events if whole else events[-SHOWN:]
    details = Details(apis, client)
    causes, seen = Causes(apis), set[str]()
    chain: list[Link] = []
    movements: list[Link] = []
    for event in shown:
        path = list(causes.back_from(event))
        movements.append(path[0][1] | details.of(event, *path[1:2]))
        links = [movements[-1], *(link for _, link in path[1:])]
        before = [link["event_id"] for link in links[1:]]
        told = [link | {"caused_by": by} for link, by in zip(links, [*before, None], strict=True)]
        chain += [link for link in reversed(told) if link["event_id"] not in seen]
        seen |= {link["event_id"] for link in links}
    return Ledger(chain, movements, len(events) - len(shown))


def movements_of(apis: Apis, client: UUID, types: Sequence[str]) -> list[Event]:
    """All movements of a client's account, the oldest first."""
    return list(apis.pages("loyalty", f"/v1/subjects/{client}/events", type=tuple(types)))[::-1]


class Details:
    """What a movement's event does not say itself: it stands in the ledger and in the event before it."""

    def __init__(self, apis: Apis, client: UUID) -> None:
        """Read the client's ledger."""
        entries = apis.pages("loyalty", f"/v1/accounts/{client}/entries")
        self._entries = {entry["cause"]["event_id"]: entry for entry in entries}

    def of(self, event: Event, before: tuple[Event, Link] | None = None) -> dict[str, Any]:
        """More keys for a movement's link; ``before`` is the event that caused it."""
        body = event["data"]
        said: dict[str, Any] = {"balance": body["account"]["points"], "tier": body["account"]["tier"]}
        if event["type"] == TIER:
            said |= {"previous_tier": body["previous"], "programme_version": body.get("programme_version")}
        else:
            entry = self._entries.get(event["causationid"], {})
            said["points"] = body["points"] if event["type"] == POINTS[0] else -body["points"]
            said |= {"order_id": body["order_id"], "programme_version": entry.get("programme_version")}
            said["counted_at"] = entry.get("at", event["time"])
        cause, link = before or ({}, {})
        order = cause.get("data", {}).get("order", {})
        said |= {"order_number": order.get("number"), "because": cause.get("type")}
        return said | {name: link[name] for name in ("rule", "rule_version", "rule_name") if link.get(name)}
