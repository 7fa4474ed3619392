"""Causes are followed by their place, which another event may have taken after a rewind."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from klientela.chain import Causes
from klientela.explain import QUESTIONS, chains_of
from klientela.explain_text import spoken
from klientela.ledger import SHOWN
from klientela.running import Apis

EARLY, LATE = "2026-11-01T12:00:00Z", "2026-11-01T12:00:00.5Z"


def an_event(at: str, place: str = "", cause: str = "") -> dict[str, Any]:
    return {
        "id": str(uuid4()), "type": "orders.order_paid.v1", "time": at, "source": "orders", "lane": 3, "sequence": 120,
        "causationid": cause, "causationplace": place, "actor": "", "data": {},
    }  # fmt: skip


def cause_of(effect: dict[str, Any], there: dict[str, Any]) -> Any:
    """Return the kind of what stands between an effect and what is at its cause's place, or instead of that."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=there))
    with httpx.Client(transport=transport) as client:
        (_, link), *_ = Causes(Apis({"orders": "http://orders"}, client)).back_from(effect)
    kind = link.get("cause", {}).get("kind")
    assert not kind or spoken(link["cause"])
    return kind


def test_an_event_is_never_caused_by_a_later_one() -> None:
    effect = an_event(EARLY, "orders/3/120", str(uuid4()))
    assert cause_of(effect, an_event(LATE)) == "lost"


def test_between_an_event_and_an_earlier_one_of_another_id_stood_a_timer() -> None:
    effect = an_event(LATE, "orders/3/120", str(uuid4()))
    assert cause_of(effect, an_event(EARLY)) == "timer"
    cause = an_event(EARLY)
    assert cause_of({**effect, "causationid": cause["id"]}, cause) is None


def test_the_event_that_an_effect_names_is_its_cause_though_its_database_has_a_clock_ahead() -> None:
    cause = an_event(LATE)
    assert cause_of(an_event(EARLY, "orders/3/120", cause["id"]), cause) is None


@pytest.mark.parametrize(("whole", "shown"), [(False, SHOWN), (True, 30)])
def test_an_order_is_explained_by_its_last_events_or_by_all(*, whole: bool, shown: int) -> None:
    """All are read page by page, however many the service gives at once."""
    newest_first = [an_event(LATE) for _ in range(30)]

    def answer(request: httpx.Request) -> httpx.Response:
        start, limit = int(request.url.params.get("cursor", 0)), min(25, int(request.url.params["limit"]))
        more = str(start + limit) if start + limit < len(newest_first) else None
        return httpx.Response(200, json={"items": newest_first[start : start + limit], "next": more})

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        chains = chains_of(Apis({"orders": "http://orders"}, client), QUESTIONS["order"], uuid4(), whole=whole)
    assert [link["event_id"] for (link,) in chains] == [event["id"] for event in newest_first[:shown]][::-1]
