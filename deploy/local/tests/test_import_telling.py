"""How a history is told when it was told before: the same way, in another currency, as undone."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest

from klientela.errors import Refusal
from klientela.importing.mapping import Invoice
from klientela.importing.suite_api import SuiteApi
from klientela.importing.telling import Known, Telling, known_of, telling_of

SOLD = datetime(2025, 3, 1, 10, 15, tzinfo=UTC)
ANEW = datetime(2026, 1, 1, 8, 0, 0, 5, tzinfo=UTC)
INVOICE = Invoice("250001", SOLD, SOLD)
CHANNEL = UUID(int=1)


def told(known: Known | None, currency: str | None = None, *, again: bool = False, undo: bool = False) -> Telling:
    return telling_of(known, currency, again=again, undo=undo)


def test_a_history_is_told_in_its_currency_or_the_usual_one() -> None:
    assert told(None, "CZK") == Telling("CZK")
    assert told(None) == Telling("GBP")


def test_a_known_history_needs_no_currency_and_goes_on_as_it_was_told() -> None:
    assert told(Known("CZK", "paid", None)) == Telling("CZK")
    assert told(Known("CZK", "paid", ANEW), "CZK") == Telling("CZK", since=ANEW)


@pytest.mark.parametrize(
    ("known", "sentence"),
    [(Known("GBP", "paid", None), "orders in GBP, not in CZK"), (Known("CZK", "cancelled", ANEW), "--undo")],
)
def test_what_contradicts_an_earlier_import_is_refused_and_says_the_way_on(known: Known, sentence: str) -> None:
    with pytest.raises(Refusal, match=sentence) as refused:
        told(known, "CZK")
    assert "--again" in str(refused.value)


@pytest.mark.parametrize("known", [None, Known("GBP", "paid", ANEW), Known("GBP", "cancelled", ANEW)])
def test_told_again_it_is_a_later_revision_that_counts_whatever_was_told_before(known: Known | None) -> None:
    telling = told(known, "CZK", again=True)
    assert (telling.currency, telling.state) == ("CZK", "paid")
    assert telling.since is not None
    assert telling.since > ANEW
    assert telling.since.microsecond


def test_undone_it_is_cancelled_in_the_currency_it_has() -> None:
    telling = told(Known("GBP", "paid", None), "CZK", undo=True)
    assert (telling.currency, telling.state) == ("GBP", "cancelled")
    with pytest.raises(Refusal, match="nothing to undo"):
        told(None, undo=True)


def test_a_line_that_comes_after_all_was_told_anew_is_a_revision_of_its_own_time() -> None:
    later = ANEW + timedelta(days=1)
    assert Telling("CZK", since=ANEW).revision(INVOICE) == ANEW
    assert Telling("CZK", since=ANEW).revision(Invoice("250001", SOLD, later)) == later


@pytest.mark.parametrize(
    ("revised_at", "since"),
    [(SOLD, None), (ANEW, ANEW), (SOLD + timedelta(hours=1), None), (SOLD - timedelta(microseconds=5), None)],
    ids=["as in the file", "told anew", "by a file with a later line", "by an earlier file"],
)
async def test_what_was_told_anew_is_known_by_a_moment_no_file_has(revised_at: datetime, since: datetime) -> None:
    order = {"total": {"currency": "CZK"}, "state": "paid", "revised_at": revised_at.isoformat()}
    answer = httpx.MockTransport(lambda _: httpx.Response(200, json={"items": [order], "next": None}))
    async with SuiteApi({"orders": "http://orders"}, "key", transport=answer) as api:
        known = await known_of(api, CHANNEL, INVOICE)
    assert known == Known("CZK", "paid", since)
