"""The ledger behind a balance is read from the subject's own events, page by page, and from nothing else."""

from typing import Any
from uuid import UUID, uuid4

import httpx

from klientela.ledger import Ledger, ledger_of
from klientela.running import Apis

CLIENT = UUID(int=1)
ENTRIES = f"/v1/accounts/{CLIENT}/entries"
EVENTS = f"/v1/subjects/{CLIENT}/events"


def a_movement(kind: str, sequence: int, **data: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()), "type": f"loyalty.{kind}.v1", "time": "2026-11-01T12:00:00Z", "source": "loyalty",
        "lane": 7, "sequence": sequence, "causationid": str(uuid4()), "causationplace": "", "actor": "admin:x",
        "data": {"account": {"points": 10 * sequence, "tier": "silver"}, "order_id": None, **data},
    }  # fmt: skip


def told(events: list[dict[str, Any]], *, tier: bool) -> Ledger | None:
    """Ask a loyalty that gives one event at a time, the newest first, and knows nothing but these two lists."""

    def answer(request: httpx.Request) -> httpx.Response:
        query = request.url.params
        if request.url.path == ENTRIES:
            return httpx.Response(200, json={"items": [], "next": None})
        if request.url.path != EVENTS:
            return httpx.Response(404, json={"type": "https://klientela/problems/not-found"})
        wanted = [event for event in reversed(events) if event["type"] in query.get_list("type")]
        at = int(query.get("cursor", 0))
        return httpx.Response(
            200, json={"items": wanted[at : at + 1], "next": str(at + 1) if wanted[at + 1 :] else None}
        )

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        return ledger_of(Apis({"loyalty": "http://loyalty"}, client), CLIENT, tier=tier, whole=True)


def test_all_pages_of_the_subject_are_the_ledger_from_its_beginning() -> None:
    events = [a_movement("points_earned", number, points=10) for number in range(1, 4)]
    ledger = told(events, tier=False)
    assert ledger
    assert [movement["sequence"] for movement in ledger.movements] == [1, 2, 3]
    assert ledger.balance == 30


def test_a_tier_names_the_version_of_the_programme_that_its_event_carries() -> None:
    events = [
        a_movement("points_earned", 1, points=10),
        a_movement("tier_reached", 2, previous="bronze", programme_version=101),
        a_movement("points_earned", 3, points=10),
    ]
    ledger = told(events, tier=True)
    assert ledger
    assert [movement["programme_version"] for movement in ledger.movements] == [None, 101]
