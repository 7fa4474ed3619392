"""A stand-in of the suite that keeps what an import tells it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx

from klientela.importing.suite_api import SuiteApi

CHANNEL = UUID("00000000-0000-4000-8000-000000000001")


@dataclass
class StandIn:
    """What the services would answer, and what they were told."""

    channels: list[dict[str, Any]] = field(default_factory=list)
    known: dict[str, bytes] = field(default_factory=dict)
    calls: list[int] = field(default_factory=list)
    elsewhere: list[dict[str, Any]] = field(default_factory=list)
    heard: set[bytes] = field(default_factory=set)
    programme: dict[str, Any] = field(
        default_factory=lambda: {
            "rates": {"CZK": "10"},
            "tiers": {"silver": 1, "gold": 2},
            "valid_from": "1970-01-01T00:00:00Z",
            "version": 1,
        }
    )
    trouble: Callable[[httpx.Request], httpx.Response | None] = lambda _: None

    def answer(self, request: httpx.Request) -> httpx.Response:
        said = self.trouble(request)
        if said:
            return said
        path = request.url.path
        if path == f"/v1/channels/{CHANNEL}/orders" and request.method == "POST":
            return self.take(json.loads(request.content)["orders"])
        if request.method == "POST":
            self.channels.append({"id": str(CHANNEL), **json.loads(request.content)})
            return httpx.Response(201, json=self.channels[-1])
        if request.method == "PUT":
            self.programme |= json.loads(request.content)
        answers = {
            "/v1/channels": page(self.channels),
            "/v1/programme": self.programme,
            "/v1/programme/versions": page([self.programme]),
            "/v1/status": {"intake": 0, "parked": 0, "timers_due": 0, "jobs": 0, "heads": {}, "progress": {}},
            "/v1/orders": page(self.elsewhere),
            f"/v1/channels/{CHANNEL}/orders": page([shown(json.loads(body)) for body in self.known.values()]),
            "/v1/identities": page(
                [{"kind": "external", "value": f"{CHANNEL}:{n}", "client_id": f"c{n}"} for n in (1, 2)]
            ),
            "/v1/accounts": page([{"client_id": client, "points": 5} for client in ("c1", "c2", "another")]),
        }
        return httpx.Response(200, json=answers[path])

    def take(self, orders: list[dict[str, Any]]) -> httpx.Response:
        self.calls.append(len(orders))
        for order in orders:
            self.hear(order["external_id"], json.dumps(order).encode())
        return httpx.Response(202, json={"accepted": len(orders)})

    def hear(self, number: str, body: bytes) -> None:
        """Follow what counts, as the service does: a later revision, or another body of the same one."""
        known = self.known.get(number)
        earlier = known is not None and revision_of(body) < revision_of(known)
        if not earlier and body not in self.heard:
            self.known[number] = body
        self.heard.add(body)

    def api(self, patience: float = 5) -> SuiteApi:
        names = ("clients", "orders", "loyalty")
        transport = httpx.MockTransport(self.answer)
        return SuiteApi({name: f"http://{name}" for name in names}, "key", patience=patience, transport=transport)


def page(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"items": items, "next": None}


def revision_of(body: bytes) -> datetime:
    return datetime.fromisoformat(json.loads(body)["revision"])


def shown(order: dict[str, Any]) -> dict[str, Any]:
    return {"revised_at": order["revision"], **{name: order[name] for name in ("external_id", "currency", "state")}}
