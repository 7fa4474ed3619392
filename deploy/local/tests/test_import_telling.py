"""How a history is told when it was told before: the same way, in another currency, as taken back."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.tests.stand_in import StandIn
from klientela.errors import Refusal
from klientela.importing.mapping import Invoice
from klientela.importing.orders import Wishes, import_orders
from klientela.importing.telling import INSTANT, Known, Telling, telling_of
from klientela.layout import DataDirectory
from klientela.samples import ORDERS

SOLD = datetime(2025, 3, 1, 10, 15, tzinfo=UTC)
NOW = datetime(2026, 1, 1, 8, 0, 0, 5, tzinfo=UTC)
BEFORE = NOW - timedelta(days=9)
INVOICE = Invoice("1", SOLD, SOLD)
WISHES = Wishes(Decimal(10), "CZK")
CORRECTED = Wishes(None, correct=True)
moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - in UTC then


def told(*known: Known, currency: str | None = None, correct: bool = False, undo: bool = False) -> Telling:
    there = {str(number): order for number, order in enumerate(known, start=1)}
    return telling_of(there, currency, NOW, correct=correct, undo=undo)


def first(usual: set[str]) -> Telling:
    return telling_of({}, None, NOW, usual=usual, correct=False, undo=False)


def paid(currency: str, revised_at: datetime = SOLD) -> Known:
    return Known(revised_at, currency, "paid")


UNDONE = Known(BEFORE, "CZK", "cancelled")


def test_a_history_is_told_in_its_currency_or_the_usual_one() -> None:
    assert told(currency="CZK").currency == "CZK"
    assert told().currency == "GBP"
    assert told(paid("CZK")).currency == "CZK", "a known history needs none"
    assert first({"CZK"}).currency == "CZK", "nor do new orders of a channel that has one"
    with pytest.raises(Refusal, match="say --currency"):
        first({"CZK", "EUR"})


@pytest.mark.parametrize(
    ("known", "sentence"),
    [
        ([paid("CZK"), paid("GBP")], "1 of these orders in GBP, not in CZK"),
        ([paid("CZK"), UNDONE], "1 of these orders were taken back by --undo"),
    ],
)
def test_what_contradicts_an_earlier_import_is_refused_and_says_the_way_on(known: list[Known], sentence: str) -> None:
    with pytest.raises(Refusal, match=sentence) as refused:
        told(*known, currency="CZK")
    assert "--correct" in str(refused.value)


def test_of_two_currencies_one_has_to_be_said() -> None:
    with pytest.raises(Refusal, match="in CZK, some in GBP: say --currency"):
        told(paid("CZK"), paid("GBP"), correct=True)


def test_what_is_right_is_told_as_ever_and_what_is_wrong_as_of_now() -> None:
    telling = told(paid("CZK"), paid("GBP"), UNDONE, currency="CZK", correct=True)
    revisions = [telling.revision(Invoice(number, SOLD, SOLD)) for number in ("1", "2", "3", "4")]
    assert revisions == [SOLD, NOW + INSTANT, NOW + INSTANT, SOLD]


def test_taken_back_is_what_is_there_in_the_currency_it_has() -> None:
    telling = told(paid("GBP"), UNDONE, undo=True)
    assert [telling.revision(Invoice(number, SOLD, SOLD)) for number in ("1", "2", "3")] == [NOW + INSTANT, None, None]
    assert (telling.state, telling.currency_of("1")) == ("cancelled", "GBP")
    with pytest.raises(Refusal, match="nothing to undo"):
        told(undo=True)


def test_what_was_put_right_goes_on_from_there_and_what_came_of_a_file_does_not() -> None:
    assert told(paid("CZK", BEFORE)).revision(INVOICE) == BEFORE, "told anew: a file's times have no fractions"
    later_line = SOLD + timedelta(hours=1)
    assert told(paid("CZK", later_line)).revision(INVOICE) == SOLD, "by a newer file: an older one changes nothing"
    assert told(paid("CZK", BEFORE)).revision(Invoice("1", SOLD, NOW)) == NOW


@given(known_at=moments, sold_at=moments.map(lambda at: at.replace(microsecond=0)))
def test_a_correction_is_later_than_anything_there_and_is_known_as_one(known_at: datetime, sold_at: datetime) -> None:
    """Whatever the clocks say, and also of sales that lie in the future."""
    revision = told(paid("GBP", known_at), currency="CZK", correct=True).revision(Invoice("1", sold_at, sold_at))
    assert revision is not None
    assert revision > max(known_at, sold_at)
    assert revision.microsecond


def currencies(suite: StandIn) -> set[tuple[str, str]]:
    return {(order["currency"], order["state"]) for order in map(json.loads, suite.known.values())}


def test_a_wrong_currency_is_refused_then_corrected_and_corrected_back(suite: StandIn, tmp_path: Path) -> None:
    layout = DataDirectory.at(tmp_path)
    import_orders(layout, ORDERS, WISHES, as_json=True)
    with pytest.raises(Refusal, match="40 of these orders in CZK, not in EUR"):
        import_orders(layout, ORDERS, Wishes(Decimal(1), "EUR"), as_json=True)
    assert suite.calls == [40]
    assert "EUR" not in suite.programme["rates"]
    for currency in ("EUR", "CZK"):
        assert import_orders(layout, ORDERS, Wishes(Decimal(1), currency, correct=True), as_json=True) == 0
        assert currencies(suite) == {(currency, "paid")}
    for wishes in (WISHES, CORRECTED):
        assert import_orders(layout, ORDERS, wishes, as_json=True) == 0
    assert suite.calls == [40, 40, 40], "what is right is not sent again"


def test_a_history_that_begins_otherwise_by_now_is_known_all_the_same(suite: StandIn, tmp_path: Path) -> None:
    layout = DataDirectory.at(tmp_path)
    import_orders(layout, ORDERS, WISHES, as_json=True)
    heading, first, *others = ORDERS.read_text().splitlines(keepends=True)
    grown = tmp_path / ORDERS.name
    grown.write_text("".join([heading, first.replace("250001", "250000"), first, *others]))
    with pytest.raises(Refusal, match="40 of these orders in CZK"):
        import_orders(layout, grown, Wishes(Decimal(1), "EUR"), as_json=True)
    assert import_orders(layout, grown, Wishes(None), as_json=True) == 0
    assert (suite.calls, currencies(suite)) == ([40, 1], {("CZK", "paid")})


def test_an_undone_history_is_cancelled_until_it_is_corrected(
    suite: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layout = DataDirectory.at(tmp_path)
    import_orders(layout, ORDERS, WISHES, as_json=True)
    capsys.readouterr()
    for _ in range(2):
        assert import_orders(layout, ORDERS, Wishes(None, undo=True), as_json=True) == 0
        assert currencies(suite) == {("CZK", "cancelled")}
        assert json.loads(capsys.readouterr().out)["revenue"] == {"amount": "0", "currency": "CZK"}
    with pytest.raises(Refusal, match="--correct"):
        import_orders(layout, ORDERS, WISHES, as_json=True)
    import_orders(layout, ORDERS, CORRECTED, as_json=True)
    assert (suite.calls, currencies(suite)) == ([40, 40, 40], {("CZK", "paid")})


def test_people_are_told_what_was_taken_back(
    suite: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layout = DataDirectory.at(tmp_path)
    import_orders(layout, ORDERS, WISHES, as_json=False)
    assert capsys.readouterr().out.startswith("35 orders and 5 refunds of ")
    import_orders(layout, ORDERS, Wishes(None, undo=True), as_json=False)
    assert capsys.readouterr().out.startswith("Taken back: 35 orders and 5 refunds of ")


def test_where_rejected_rows_cannot_be_written_nothing_is_made(suite: StandIn, tmp_path: Path) -> None:
    wishes = Wishes(Decimal(7), "CHF", rejected=tmp_path)
    with pytest.raises(Refusal, match="cannot be written"):
        import_orders(DataDirectory.at(tmp_path), ORDERS, wishes, as_json=True)
    mine = tmp_path / "mine.csv"
    mine.write_text(ORDERS.read_text())
    with pytest.raises(Refusal, match="would take the place of the history"):
        import_orders(DataDirectory.at(tmp_path), mine, Wishes(None, "CHF", rejected=mine), as_json=True)
    assert mine.read_text() == ORDERS.read_text()
    assert (suite.channels, suite.calls) == ([], [])
    assert "CHF" not in suite.programme["rates"]


@pytest.mark.parametrize("channel", [None, "another"])
def test_a_history_that_came_under_another_name_is_recognised(
    suite: StandIn, tmp_path: Path, channel: str | None
) -> None:
    other = str(UUID(int=9))
    suite.channels.append({"id": other, "kind": "import", "name": "ERP"})
    suite.elsewhere.append({"channel_id": other})
    wishes: dict[str, Any] = {"channel": channel}
    if channel is None:
        with pytest.raises(Refusal, match="in the channel “ERP” already"):
            import_orders(DataDirectory.at(tmp_path), ORDERS, Wishes(None, **wishes), as_json=True)
    else:
        assert import_orders(DataDirectory.at(tmp_path), ORDERS, Wishes(None, **wishes), as_json=True) == 0
