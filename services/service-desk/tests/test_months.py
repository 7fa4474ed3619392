"""Calendar months in Prague."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import Rejected
from service_desk.domain import months_later


@pytest.mark.parametrize(
    ("moment", "months", "later"),
    [
        ("2026-01-31T09:30:00+00:00", 1, "2026-02-28T09:30:00+00:00"),
        ("2023-03-31T08:00:00+00:00", 11, "2024-02-29T09:00:00+00:00"),
        ("2026-01-15T09:00:00+00:00", 6, "2026-07-15T08:00:00+00:00"),
        ("2025-12-31T23:30:00+00:00", 1, "2026-01-31T23:30:00+00:00"),
        ("2026-02-28T01:30:00+00:00", 1, "2026-03-28T01:30:00+00:00"),
        ("2026-02-28T23:30:00+00:00", 1, "2026-03-31T22:30:00+00:00"),
        ("2026-05-05T05:05:05+00:00", 0, "2026-05-05T05:05:05+00:00"),
    ],
)
def test_months_are_those_of_a_calendar_in_prague(moment: str, months: int, later: str) -> None:
    assert months_later(datetime.fromisoformat(moment), months) == datetime.fromisoformat(later)


MOMENTS = st.integers(0, 3_000_000_000).map(lambda second: datetime.fromtimestamp(second + 600_000_000, UTC))


@given(MOMENTS, st.integers(0, 600))
def test_months_later_are_never_more_than_a_month_off(moment: datetime, months: int) -> None:
    days = (months_later(moment, months) - moment) / timedelta(days=1)
    assert abs(days - months * 365.2425 / 12) < 4


def test_a_date_beyond_the_calendar_is_rejected() -> None:
    with pytest.raises(Rejected):
        months_later(datetime(9990, 1, 1, tzinfo=UTC), 600)
