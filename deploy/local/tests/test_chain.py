"""Causes are followed by their place, which another event may have taken after a rewind."""

from typing import Any
from uuid import uuid4

import httpx

from klientela.chain import Causes
from klientela.running import Apis

EARLY, LATE = "2026-11-01T12:00:00Z", "2026-11-01T12:00:00.5Z"


def an_event(at: str, place: str = "", cause: str = "") -> dict[str, Any]:
    return {
        "id": str(uuid4()), "type": "orders.order_paid.v1", "time": at, "source": "orders", "lane": 3, "sequence": 120,
        "causationid": cause, "causationplace": place, "actor": "", "data": {},
    }  # fmt: skip


def cause_of(effect: dict[str, Any], there: dict[str, Any]) -> Any:
    """Return the kind of what an effect's link says caused it, where something is at its cause's place."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=there))
    with httpx.Client(transport=transport) as client:
        (_, link), *_ = Causes(Apis({"orders": "http://orders"}, client)).back_from(effect)
    return link.get("cause", {}).get("kind")


def test_an_event_is_never_caused_by_a_later_one() -> None:
    effect = an_event(EARLY, "orders/3/120", str(uuid4()))
    assert cause_of(effect, an_event(LATE)) == "lost"


def test_between_an_event_and_an_earlier_one_of_another_id_stood_a_timer() -> None:
    effect = an_event(LATE, "orders/3/120", str(uuid4()))
    assert cause_of(effect, an_event(EARLY)) == "timer"
    cause = an_event(EARLY)
    assert cause_of({**effect, "causationid": cause["id"]}, cause) is None
