"""How rows become orders."""

import json
import os
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klientela.importing.history import History
from klientela.importing.mapping import MOST_LINES, Invoice, Rejected, Survey, map_rows
from klientela.importing.source import Row
from klientela.importing.telling import Telling
from klientela.importing.wire import LONGEST_ORDER, letter_of
from klientela.samples import ORDERS
from schemas.orders import Item, Order, OrderPlaced
from schemas.values import Identity, Money

REAL = Path(os.environ.get("KLIENTELA_SHARED_DATA", Path(__file__).parents[4] / "shared/data")) / "online-retail.csv.gz"
GOOD = ("536365", "85123A", "HOLDER", "6", "2010-12-01 08:26:00", "2.55", "17850.0", "United Kingdom")
IN_CROWNS = Telling("CZK", {}, datetime(2026, 1, 1, tzinfo=UTC))
LARGEST_EVENT = 512 * 1024
PLACES = {"number": 0, "sku": 1, "name": 2, "quantity": 3, "at": 4, "price": 5, "customer": 6, "country": 7}


def cells(**changed: str) -> tuple[str, ...]:
    said = list(GOOD)
    for name, text in changed.items():
        said[PLACES[name]] = text
    return tuple(said)


def mapped(*lines: tuple[str, ...], comma: bool = False) -> tuple[list[Invoice], list[Rejected]]:
    rows = [Row(number, line, complete=len(line) == len(GOOD)) for number, line in enumerate(lines, start=2)]
    found = list(map_rows(rows, Survey.of(rows).ends, comma=comma))
    return [one for one in found if isinstance(one, Invoice)], [one for one in found if isinstance(one, Rejected)]


def test_an_invoice_is_one_order_dated_by_its_earliest_line_and_revised_at_its_latest() -> None:
    [order], rejected = mapped(cells(at="2010-12-01 08:27:00"), cells(price="0.001"), cells(at="2010-12-01 08:28:00"))
    assert not rejected
    assert order.placed_at == datetime(2010, 12, 1, 8, 26, tzinfo=UTC)
    assert order.revised_at == datetime(2010, 12, 1, 8, 28, tzinfo=UTC)
    assert order.total == Decimal("30.606")
    assert (order.number, order.customer, order.country, order.is_refund) == (
        "536365",
        "17850",
        "United Kingdom",
        False,
    )


def test_lines_of_an_invoice_may_lie_anywhere_and_it_comes_out_at_its_last() -> None:
    orders, _ = mapped(cells(), cells(number="2"), cells(number="3"), cells(), cells(number="3"))
    assert [(order.number, len(order.items)) for order in orders] == [("2", 1), ("536365", 2), ("3", 2)]


def test_an_invoice_whose_last_line_is_rejected_comes_out_all_the_same() -> None:
    [order], [rejected] = mapped(cells(), cells(quantity="-1"))
    assert len(order.items) == 1
    assert (rejected.row.line, rejected.reason) == (3, "its quantity is not above zero")


def test_repeated_lines_and_price_zero_stay() -> None:
    [order], rejected = mapped(cells(), cells(), cells(price="0"))
    assert (len(order.items), order.total, rejected) == (3, Decimal("30.60"), [])


def test_an_invoice_without_an_accepted_line_is_no_order() -> None:
    orders, rejected = mapped(cells(quantity="-2"), cells(quantity="0"), cells(price="-1"))
    assert not orders
    assert len(rejected) == 3


def test_a_cancellation_is_a_refund_below_zero() -> None:
    [order], rejected = mapped(cells(number="C536379", quantity="-1", price="27.5"))
    assert (order.is_refund, order.total, rejected) == (True, Decimal("-27.5"), [])


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"number": "A563185"}, "adjusts the books"),
        ({"number": " "}, "no InvoiceNo"),
        ({"number": "5" * 301}, "more than 300 characters"),
        ({"quantity": "six"}, "Quantity is no number"),
        ({"quantity": "NaN"}, "Quantity is no number"),
        ({"quantity": "1e9"}, "Quantity is no number"),
        ({"quantity": "٣"}, "Quantity is no number"),
        ({"quantity": "1234567890"}, "Quantity is no number"),
        ({"quantity": ""}, "Quantity is no number"),
        ({"price": "2,55"}, "UnitPrice is no number"),
        ({"price": "-0.01"}, "price is below zero"),
        ({"price": "0.00001", "quantity": "0.01"}, "more than 6 decimal places"),
        ({"at": "yesterday"}, "no date and time"),
        ({"at": "2010-13-01 08:26:00"}, "no date and time"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "out of range"),
        ({"name": "HOL\0DER"}, "NUL"),
        ({"name": "x" * 2_001}, "more than 2000 characters"),
        ({"number": "C1", "quantity": "1"}, "should be below zero"),
        ({"number": "C1", "quantity": "0"}, "should be below zero"),
        ({"number": "C1", "quantity": "-1", "price": "-1"}, "price is below zero"),
    ],
)
def test_a_bad_line_is_rejected_with_its_reason_and_the_others_stay(changed: dict[str, str], reason: str) -> None:
    [order], [rejected] = mapped(cells(number="9"), cells(**changed), cells(number="9"))
    assert len(order.items) == 2
    assert rejected.row.line == 3
    assert reason in rejected.reason


def test_a_line_with_too_few_cells_is_rejected() -> None:
    orders, [rejected] = mapped(cells(), ("536365", "85123A"))
    assert len(orders) == 1
    assert "2 cells" in rejected.reason


def test_an_invoice_belongs_to_the_first_customer_it_names() -> None:
    [order], [rejected] = mapped(cells(customer=""), cells(customer="1"), cells(customer="2"), cells(customer="1.0"))
    assert (order.customer, len(order.items)) == ("1", 3)
    assert "another one" in rejected.reason


@pytest.mark.parametrize(
    ("text", "customer"), [("17850.0", "17850"), ("17850", "17850"), (" K-7 ", "K-7"), ("", ""), ("1.5", "1.5")]
)
def test_a_customer_number_loses_the_trace_of_a_spreadsheet_only(text: str, customer: str) -> None:
    [order], _ = mapped(cells(customer=text))
    assert order.customer == customer


DATES = (
    "2010-12-01T08:26:00Z", "2010-12-01T09:26:00+01:00", "1.12.2010 8:26", "12/1/2010 8:26", "2010-12-01 08:26",
    "2010-12-01 08:26:00.250",
)  # fmt: skip


@pytest.mark.parametrize("text", DATES)
def test_dates_are_read_in_the_usual_forms(text: str) -> None:
    [order], _ = mapped(cells(at=text))
    assert order.placed_at == datetime(2010, 12, 1, 8, 26, tzinfo=UTC)


def test_decimals_with_a_comma_are_read_where_semicolons_divide() -> None:
    [order], _ = mapped(cells(price="1 234,50", quantity="2"), comma=True)
    assert order.total == Decimal("2469.00")


def test_an_order_too_long_for_an_event_goes_without_names_but_with_its_sum() -> None:
    [order], rejected = mapped(*[cells(name="HOLDER" * 20)] * (MOST_LINES + 1))
    assert len(rejected) == 1
    body = body_of(order)
    assert b"HOLDER" not in body
    assert f'"total":"{6 * Decimal("2.55") * MOST_LINES}"'.encode() in body
    assert event_size(body) < LARGEST_EVENT


def test_the_longest_order_that_keeps_its_names_fits_into_an_event() -> None:
    [order], _ = mapped(*[cells(name="HOLDER" * 6)] * 3_000)
    body = body_of(order)
    assert LONGEST_ORDER * 0.9 < len(body) < LONGEST_ORDER
    assert b"HOLDER" in body
    assert event_size(body) < LARGEST_EVENT


def body_of(order: Invoice) -> bytes:
    letter = letter_of(order, IN_CROWNS)
    assert letter is not None
    return letter.body


def event_size(body: bytes) -> int:
    said = json.loads(body)
    items = [Item(line=line, **item) for line, item in enumerate(said["items"], start=1)]
    money = Money(amount=Decimal(said["total"]), currency="GBP")
    identity = Identity(kind="external", value=f"{uuid4()}:{said['customer']}")
    at = datetime.fromisoformat(said["revision"])
    order = Order(
        id=uuid4(), channel_id=uuid4(), external_id=said["external_id"], number=said["number"], identity=identity,
        state="paid",
        total=money, refunded=money, placed_at=at, revised_at=at, items=tuple(items), version=1,
    )  # fmt: skip
    return len(OrderPlaced(order=order, changed=tuple(Order.model_fields)).model_dump_json())


@pytest.mark.parametrize(
    ("price", "total"), [("0.000000", "0.000000"), ("0.100000", "0.050000"), ("0.000002", "0.000001")]
)
def test_a_sum_has_six_places_at_the_most_and_is_written_without_an_exponent(price: str, total: str) -> None:
    [order], _ = mapped(cells(price=price, quantity="0.500"))
    assert json.loads(body_of(order))["total"] == total


LINES = st.builds(
    cells,
    number=st.sampled_from(["1", "2", "C3", "A4", ""]),
    quantity=st.sampled_from(["1", "-1", "0", "x"]),
    price=st.sampled_from(["2.55", "0.001", "-1"]),
    customer=st.sampled_from(["", "7", "8"]),
)


@given(st.lists(LINES, max_size=30))
def test_every_row_is_an_item_or_rejected_and_sums_are_those_of_the_accepted_ones(lines: list[tuple[str, ...]]) -> None:
    orders, rejected = mapped(*lines)
    assert sum(len(order.items) for order in orders) + len(rejected) == len(lines)
    assert len({order.number for order in orders}) == len(orders)
    bad = Counter(tuple(one.row.cells) for one in rejected)
    kept = Counter(lines) - bad
    summed = sum((Decimal(line[3]) * Decimal(line[5]) * times for line, times in kept.items()), Decimal(0))
    assert sum((order.total for order in orders), Decimal(0)) == summed
    assert all(order.total <= 0 if order.is_refund else order.total >= 0 for order in orders)


class Discarded:
    def writerow(self, row: object, /) -> None:
        """The rows are counted elsewhere."""


def read_through(path: Path) -> tuple[History, list[str]]:
    history = History.of(path)
    return history, [letter.digest for letter in history.letters(IN_CROWNS, Discarded())]


def test_our_own_history_has_a_bit_of_all_and_says_the_same_each_time() -> None:
    history, digests = read_through(ORDERS)
    tally = history.tally
    assert (tally.lines, tally.orders, tally.refunds, tally.rejected) == (89, 35, 5, 3)
    assert tally.revenue == Decimal("437901.875")
    assert len(set(digests)) == tally.invoices == 40
    assert read_through(ORDERS)[1] == digests


@pytest.mark.skipif(not REAL.exists(), reason=f"the real history is not here: {REAL} does not exist")
def test_the_real_history_comes_to_its_known_counts_and_sum() -> None:
    history, digests = read_through(REAL)
    tally = history.tally
    assert len(history.survey.ends) == 25_900
    assert (tally.lines, tally.orders, tally.refunds, tally.rejected) == (541_909, 20_725, 3_836, 1_339)
    adjusted = Decimal("-11062.06")
    assert tally.revenue == Decimal("9747747.934") - adjusted
    assert len(set(digests)) == tally.invoices
