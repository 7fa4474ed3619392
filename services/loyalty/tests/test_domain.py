"""Points and accounts, without a database."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.effects import SetTimer, StartJob
from chassis.errors import Rejected, VersionMismatch
from loyalty.domain import (
    FIRST_PROGRAMME,
    MOST_POINTS,
    REGRADE,
    Programmes,
    Terms,
    TiersOutOfOrder,
    points_of,
    tier_of,
)  # fmt: skip
from loyalty.domain.programme import BEGINNING
from schemas.ids import derive
from schemas.loyalty import PROGRAMME, PointsEarned, PointsTakenBack, ProgrammeChanged, RequestRefused, TierReached
from services.loyalty.tests.factories import (
    ALICE,
    NOW,
    PAID,
    REVISED,
    WHY,
    a_programme,
    an_account,
    an_award,
    an_order,
)  # fmt: skip


@pytest.mark.parametrize(
    ("amount", "rate", "points"),
    [
        ("1000", "10", 100), ("9.99", "10", 0), ("10", "10", 1), ("-0.01", "10", -1), ("-10", "10", -1),
        ("-10.01", "10", -2), ("0", "10", 0), ("0.3", "0.1", 3), ("1", "3", 0),
        ("99999999999999.999999", "0.01", 9999999999999999),
    ],
)  # fmt: skip
def test_points_are_rounded_down_exactly_also_below_zero(amount: str, rate: str, points: int) -> None:
    assert points_of(Decimal(amount), Decimal(rate)) == points


@given(st.decimals(-(10**13), 10**13, places=6), st.decimals("0.01", 10**6, places=6))
def test_points_are_the_greatest_number_whose_price_fits(amount: Decimal, rate: Decimal) -> None:
    points = points_of(amount, rate)
    micro_amount, micro_rate = int(amount * 10**6), int(rate * 10**6)
    assert points * micro_rate <= micro_amount < (points + 1) * micro_rate


@pytest.mark.parametrize(("points", "tier"), [(-5, "bronze"), (2_999, "bronze"), (3_000, "silver"), (10_000, "gold")])
def test_a_tier_begins_at_its_points(points: int, tier: str) -> None:
    assert tier_of(points, FIRST_PROGRAMME.tiers) == tier


def test_a_paid_order_brings_points_and_a_tier() -> None:
    account = an_account()
    earned, reached = account.settle(an_order("183920.00"), WHY)
    assert isinstance(earned, PointsEarned)
    assert isinstance(reached, TierReached)
    assert (earned.points, earned.account.points, earned.account.version) == (18_392, 18_392, 1)
    assert (reached.previous, reached.account.tier, reached.account.version) == ("bronze", "gold", 2)
    (entry,) = account.entries
    assert (entry.points, entry.balance, entry.at, entry.programme_version, entry.why) == (18_392, 18_392, PAID, 1, WHY)


def test_an_order_that_is_not_paid_brings_nothing_yet() -> None:
    account = an_account()
    assert list(account.settle(an_order(paid_at=None), WHY)) == []
    assert [e.points for e in account.settle(an_order(version=2), WHY) if isinstance(e, PointsEarned)] == [100]


def test_a_refund_takes_back_the_difference_and_the_tier() -> None:
    account = an_account()
    list(account.settle(an_order("30000"), WHY))
    taken, reached = account.settle(an_order("30000", refunded="0.01", version=2), WHY)
    assert isinstance(taken, PointsTakenBack)
    assert (taken.points, taken.account.points) == (1, 2_999)
    assert isinstance(reached, TierReached)
    assert (reached.previous, reached.account.tier) == ("silver", "bronze")
    assert account.entries[-1].at == REVISED


def test_a_refund_order_takes_points_below_zero() -> None:
    account = an_account()
    (taken,) = account.settle(an_order("-105"), WHY)
    assert isinstance(taken, PointsTakenBack)
    assert (taken.points, account.points) == (11, -11)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_what_is_not_newer_changes_nothing(version: int) -> None:
    account = an_account()
    list(account.settle(an_order(version=3), WHY))
    before = (account.points, account.version, dict(account.orders), list(account.entries))
    assert list(account.settle(an_order("5", version=version), WHY)) == []
    assert (account.points, account.version, account.orders, account.entries) == before


def test_an_order_that_left_bears_nothing_and_may_come_back() -> None:
    account = an_account()
    list(account.settle(an_order(version=1), WHY))
    list(account.settle(an_order(version=2), WHY, present=False))
    assert account.points == 0
    list(account.settle(an_order(version=4), WHY))
    assert [entry.points for entry in account.entries] == [100, -100, 100]


def test_a_farewell_that_is_heard_first_keeps_the_older_greeting_out() -> None:
    account = an_account()
    assert list(account.settle(an_order(version=5), WHY, present=False)) == []
    assert list(account.settle(an_order(version=4), WHY)) == []
    assert account.points == 0


def test_an_order_counts_by_the_programme_of_the_day_it_was_paid() -> None:
    later = a_programme(2, PAID + timedelta(days=1), CZK="5")
    account = an_account(later)
    list(account.settle(an_order(), WHY))
    list(account.settle(an_order(number="A-2", paid_at=PAID + timedelta(days=1)), WHY))
    assert [(entry.points, entry.programme_version) for entry in account.entries] == [(100, 1), (200, 2)]


def test_the_programme_of_an_order_is_decided_once() -> None:
    account = an_account()
    list(account.settle(an_order(), WHY))
    account.programmes = Programmes([FIRST_PROGRAMME, a_programme(2, BEGINNING, CZK="1")], NOW)
    list(account.settle(an_order("2000", version=2), WHY))
    assert account.points == 200
    assert account.entries[-1].programme_version == 1


def test_a_history_counts_by_the_first_rate_of_its_currency() -> None:
    account = an_account(a_programme(2, NOW, EUR="0.4"), a_programme(3, NOW, EUR="1"))
    list(account.settle(an_order("10", currency="EUR"), WHY))
    assert (account.points, account.entries[0].programme_version) == (25, 2)


def test_a_currency_without_rate_brings_nothing_until_it_has_one() -> None:
    account = an_account()
    assert list(account.settle(an_order(currency="USD"), WHY)) == []
    account.programmes = Programmes([FIRST_PROGRAMME, a_programme(2, NOW, USD="1")], NOW)
    list(account.settle(an_order(currency="USD", version=2), WHY))
    assert account.points == 1_000


def test_an_award_is_an_entry_without_an_order() -> None:
    account = an_account()
    (earned,) = account.award(an_award(500), WHY)
    assert isinstance(earned, PointsEarned)
    assert (earned.points, earned.order_id, earned.request_id) == (500, None, derive("request", "birthday"))
    assert (account.entries[0].kind, account.entries[0].at) == ("award", NOW)


def test_no_balance_goes_beyond_what_points_can_be() -> None:
    account = an_account()
    account.points = MOST_POINTS
    (refused,) = account.award(an_award(1), WHY)
    assert isinstance(refused, RequestRefused)
    assert refused.reason == "too-many-points"
    with pytest.raises(Rejected):
        list(account.settle(an_order(), WHY))


def test_a_change_of_the_programme_is_said_and_regrades_when_it_begins() -> None:
    programmes = Programmes([FIRST_PROGRAMME], NOW)
    begins = NOW + timedelta(days=30)
    changed, timer = programmes.change(Terms({"CZK": Decimal(5)}, {"silver": 10, "gold": 20}, begins))
    assert isinstance(changed, ProgrammeChanged)
    assert (changed.programme.version, changed.subject_id) == (2, PROGRAMME)
    assert timer == SetTimer(REGRADE, derive("programme", 2), begins)
    assert programmes.in_force.version == 1
    assert Programmes(programmes.versions, begins).in_force.version == 2


def test_a_change_from_now_on_regrades_at_once() -> None:
    terms = Terms({"CZK": Decimal(5)}, {"silver": 10, "gold": 20})
    _, job = Programmes([FIRST_PROGRAMME], NOW).change(terms)
    assert job == StartJob(REGRADE, derive("programme", 2))


def test_the_same_programme_again_is_no_change() -> None:
    programmes = Programmes([FIRST_PROGRAMME], NOW)
    assert list(programmes.change(Terms({"CZK": Decimal("10.00")}, dict(FIRST_PROGRAMME.tiers)))) == []
    assert len(programmes.versions) == 1


def test_a_programme_that_waits_does_not_hide_a_change_for_now() -> None:
    programmes = Programmes([FIRST_PROGRAMME, a_programme(2, NOW + timedelta(days=1), CZK="5")], NOW)
    assert len(list(programmes.change(Terms({"CZK": Decimal(5)}, dict(FIRST_PROGRAMME.tiers))))) == 2
    assert programmes.in_force.version == 3


def test_a_programme_that_another_has_followed_can_be_wanted_again() -> None:
    scheduled, made_meanwhile = a_programme(2, NOW, CZK="5"), a_programme(3, NOW - timedelta(days=30), CZK="10")
    programmes = Programmes([FIRST_PROGRAMME, scheduled, made_meanwhile], NOW)
    assert programmes.in_force is scheduled
    wanted = Terms(made_meanwhile.rates, made_meanwhile.tiers)
    assert len(list(programmes.change(wanted))) == 2
    assert (programmes.in_force.version, programmes.in_force.rates) == (4, made_meanwhile.rates)
    assert list(programmes.change(wanted)) == []


def test_gold_must_begin_above_silver() -> None:
    with pytest.raises(TiersOutOfOrder):
        list(Programmes([FIRST_PROGRAMME], NOW).change(Terms({}, {"silver": 10, "gold": 10})))


def test_a_programme_read_before_another_change_is_refused() -> None:
    programmes = Programmes([FIRST_PROGRAMME, a_programme(2, NOW)], NOW)
    with pytest.raises(VersionMismatch):
        list(programmes.change(Terms({}, {"silver": 1, "gold": 2}, expected_version=1)))


def test_regrading_comes_to_the_tier_of_the_points_and_says_so_once() -> None:
    account = an_account(client=ALICE)
    account.points, account.version = 3_000, 1
    (reached,) = account.regrade()
    assert isinstance(reached, TierReached)
    assert (reached.account.tier, reached.account.version) == ("silver", 2)
    assert list(account.regrade()) == []


def test_what_is_scheduled_comes_into_force_though_another_version_was_made_meanwhile() -> None:
    begins = NOW + timedelta(days=30)
    versions = [FIRST_PROGRAMME, a_programme(2, begins, CZK="5"), a_programme(3, NOW, CZK="10", GBP="10")]
    assert Programmes(versions, NOW).in_force.version == 3
    assert Programmes(versions, begins).in_force.version == 2
    late = Programmes(versions, begins).of_payment("CZK", begins)
    assert late
    assert late.version == 2


def test_a_tier_names_the_version_that_was_in_force_when_it_was_decided() -> None:
    later = a_programme(3, NOW + timedelta(microseconds=1), CZK="10")
    booked, regraded = (an_account(a_programme(2, NOW, CZK="10"), later) for _ in range(2))
    *_, reached = booked.settle(an_order("30000"), WHY)
    regraded.points = 3_000
    (again,) = regraded.regrade()
    assert [event.programme_version for event in (reached, again) if isinstance(event, TierReached)] == [2, 2]
