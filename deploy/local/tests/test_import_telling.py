"""How a history is told when it was told before: the same way, in another currency, as undone."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from deploy.local.tests.stand_in import StandIn
from klientela.errors import Refusal
from klientela.importing.mapping import Invoice
from klientela.importing.orders import Wishes, import_orders
from klientela.importing.suite_api import SuiteApi
from klientela.importing.telling import Known, Telling, known_of, telling_of
from klientela.layout import DataDirectory
from klientela.samples import ORDERS

SOLD = datetime(2025, 3, 1, 10, 15, tzinfo=UTC)
ANEW = datetime(2026, 1, 1, 8, 0, 0, 5, tzinfo=UTC)
INVOICE = Invoice("250001", SOLD, SOLD)
CHANNEL = UUID(int=1)
WISHES = Wishes(Decimal(10), "CZK")


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


def test_a_wrong_currency_is_refused_then_corrected_and_corrected_back(suite: StandIn, tmp_path: Path) -> None:
    layout = DataDirectory.at(tmp_path)
    import_orders(layout, ORDERS, WISHES, as_json=True)
    bodies = {"first": dict(suite.known)}
    with pytest.raises(Refusal, match="orders in CZK, not in EUR"):
        import_orders(layout, ORDERS, Wishes(Decimal(1), "EUR"), as_json=True)
    assert suite.calls == [40]
    assert "EUR" not in suite.programme["rates"]
    for currency in ("EUR", "CZK"):
        assert import_orders(layout, ORDERS, Wishes(Decimal(1), currency, again=True), as_json=True) == 0
        assert {json.loads(body)["currency"] for body in suite.known.values()} == {currency}
        bodies[currency] = dict(suite.known)
    assert not set(bodies["first"].values()) & set(bodies["CZK"].values()), (
        "or the service would take it as a repetition"
    )
    import_orders(layout, ORDERS, WISHES, as_json=True)
    assert suite.calls == [40, 40, 40]


def test_an_undone_history_is_cancelled_until_it_is_told_again(
    suite: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layout = DataDirectory.at(tmp_path)
    import_orders(layout, ORDERS, WISHES, as_json=True)
    capsys.readouterr()
    assert import_orders(layout, ORDERS, Wishes(None, undo=True), as_json=True) == 0
    assert {json.loads(body)["state"] for body in suite.known.values()} == {"cancelled"}
    assert json.loads(capsys.readouterr().out)["revenue"] == {"amount": "0", "currency": "CZK"}
    with pytest.raises(Refusal, match="--again"):
        import_orders(layout, ORDERS, WISHES, as_json=True)
    import_orders(layout, ORDERS, Wishes(None, again=True), as_json=True)
    assert {json.loads(body)["state"] for body in suite.known.values()} == {"paid"}


def test_a_new_channel_beside_others_says_that_their_orders_would_come_a_second_time(
    suite: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite.channels.append({"id": str(UUID(int=9)), "kind": "import", "name": "ERP"})
    import_orders(DataDirectory.at(tmp_path), ORDERS, WISHES, as_json=True)
    assert "what “ERP” brought would come a second time" in capsys.readouterr().err
