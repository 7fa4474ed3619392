"""The comparison of copies with the truth, against a comparison of dictionaries, and what it says."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klientela.proof.copies import Row, Unsorted, _compare, merge
from klientela.proof.finding import SHOWN, Finding

COLUMNS = ["order_id", "version", "revenue"]
rows_by_id = st.dictionaries(st.integers(0, 20), st.tuples(st.integers(1, 2), st.just(Decimal(5))), max_size=15)


async def stream(rows: Iterable[Row]) -> AsyncIterator[Row]:
    for row in rows:
        yield row


def rows_of(found: dict[int, tuple[int, Decimal]]) -> list[Row]:
    return [{"order_id": key, "version": v, "revenue": r} for key, (v, r) in sorted(found.items())]


def merged(truth: Iterable[Row], copies: Iterable[Row]) -> Finding:
    finding = Finding("copies")
    asyncio.run(merge(finding, COLUMNS, stream(truth), stream(copies)))
    return finding


@given(truth=rows_by_id, copies=rows_by_id)
def test_it_finds_exactly_the_rows_that_differ(
    truth: dict[int, tuple[int, Decimal]], copies: dict[int, tuple[int, Decimal]]
) -> None:
    finding = merged(rows_of(truth), rows_of(copies))
    wrong = {key for key in truth.keys() | copies.keys() if truth.get(key) != copies.get(key)}
    assert finding.failed == len(wrong)
    assert {int(failure.split()[1].rstrip(":")) for failure in finding.failures} == wrong
    assert finding.examined == len(truth.keys() | copies.keys())


def a_row(key: int, version: int = 1, revenue: str = "5") -> Row:
    return {"order_id": key, "version": version, "revenue": Decimal(revenue)}


def test_each_kind_of_difference_has_its_sentence() -> None:
    finding = merged([a_row(1), a_row(2), a_row(4)], [a_row(2, 3), a_row(3), a_row(4), a_row(4)])
    assert finding.failures == [
        "order 1 is missing",
        "order 2: version is 3 and not 1",
        "order 3 is there, and its owner does not have it so",
        "order 4 is there twice",
    ]


def test_the_same_amount_written_otherwise_is_no_difference() -> None:
    assert merged([a_row(1, revenue="10.50")], [a_row(1, revenue="10.5000")]).failed == 0


def test_a_surplus_row_that_is_there_twice_is_two_failures() -> None:
    assert merged([], [a_row(1), a_row(1)]).failed == 2


@pytest.mark.parametrize("first", [True, False])
def test_rows_out_of_order_are_refused_and_not_misread(*, first: bool) -> None:
    muddled, sound = [a_row(2), a_row(1)], [a_row(1), a_row(2)]
    with pytest.raises(Unsorted):
        merged(*((muddled, sound) if first else (sound, muddled)))


def test_many_failures_are_counted_and_only_the_first_are_named() -> None:
    finding = merged([a_row(key) for key in range(SHOWN + 20)], [])
    assert (len(finding.failures), finding.failed) == (SHOWN, SHOWN + 20)
    assert finding.as_json()["failed"] == SHOWN + 20


def test_it_holds_no_more_than_a_row_of_each() -> None:
    alive = 0
    most = 0

    class Counted(dict[str, object]):
        def __init__(self, key: int) -> None:
            nonlocal alive, most
            super().__init__(order_id=key, version=1, revenue=1)
            alive += 1
            most = max(most, alive)

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    finding = merged((Counted(key) for key in range(5_000)), (Counted(key) for key in range(5_000)))
    assert (finding.examined, finding.failed) == (5_000, 0)
    assert most < 12


class Offering:
    """A connection on which a query has these columns."""

    def __init__(self, *columns: str) -> None:
        self.columns = columns

    async def prepare(self, _: str) -> "Offering":
        return self

    def get_attributes(self) -> list[Any]:
        return [SimpleNamespace(name=name) for name in self.columns]


async def test_a_column_that_the_truth_does_not_have_is_a_failure_and_not_passed_over() -> None:
    finding = Finding("orders.orders-in-loyalty")
    truth, copy = Offering("order_id", "revenue"), Offering("order_id", "turnover")
    await _compare(finding, (truth, "select"), (copy, "select"))  # type: ignore[arg-type]
    assert finding.failures == ["there is nothing to compare turnover with"]
