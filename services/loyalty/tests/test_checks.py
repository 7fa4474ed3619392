"""Every check passes on what the service writes, and fails on what it never would."""

from datetime import UTC, datetime, timedelta

import pytest

from chassis.testing import Bench
from loyalty.store import CHECKS, COPIES
from services.loyalty.tests.factories import ALICE, BOB, an_award, an_order, changed, moved, paid

CORRUPTIONS = {
    "loyalty.balance-is-sum-of-entries": "update accounts set points = points + 1 where tier = 'gold'",
    "loyalty.entries-carry-the-balance": "update entries set balance = balance + 1",
    "loyalty.order-bears-its-entries": "update entries set order_id = gen_random_uuid() where kind = 'order'",
    "loyalty.order-bears-what-it-should": "update order_copies set refunded = refunded + 20 where present",
    "loyalty.tier-follows-points": "update accounts set tier = 'silver'",
    "loyalty.every-version-was-published": "update accounts set version = version + 1",
    "loyalty.programmes-without-gaps": (
        "insert into programmes select version + 2, rates, tiers, valid_from from programmes"
    ),
}


async def _live(bench: Bench) -> None:
    await bench.hear(paid("200000"), paid("-105", number="R-1", version=2), an_award(7))
    await bench.hear(changed(an_order("200000", refunded="55.5", version=2)), paid("12", number="A-3"))
    await bench.hear(*moved(an_order("12", number="A-3"), BOB))


async def test_all_checks_pass_on_what_the_service_writes(bench: Bench) -> None:
    await _live(bench)
    assert await bench.failing_checks() == {}
    assert all([(await bench.rows(check.examined))[0][0] > 0 for check in CHECKS])


async def test_tiers_are_checked_by_what_began_last_not_by_what_was_made_last(bench: Bench) -> None:
    await bench.hear(paid("2000"))
    lower = {"rates": {"CZK": "10"}, "tiers": {"silver": 100, "gold": 1000}}
    begins = datetime.now(UTC) + timedelta(days=30)
    async with bench.api("manager") as api:
        await api.put("/v1/programme", json={**lower, "valid_from": begins.isoformat()})
        await api.put("/v1/programme", json={**lower, "tiers": {"silver": 500, "gold": 1000}})
    await bench.fire_timers(ahead=timedelta(days=31))
    await bench.do_jobs()
    assert await bench.rows("select tier from accounts") == [("silver",)]
    assert await bench.failing_checks() == {}


def test_every_check_has_its_corruption() -> None:
    assert set(CORRUPTIONS) == {check.name for check in CHECKS}


@pytest.mark.parametrize("name", CORRUPTIONS)
async def test_a_corruption_is_found_by_exactly_its_check(bench: Bench, name: str) -> None:
    await _live(bench)
    await bench.rows(CORRUPTIONS[name])
    failing = await bench.failing_checks()
    assert set(failing) == {name}
    assert all(failing[name])


async def test_copies_of_orders_are_what_verify_compares(bench: Bench) -> None:
    await _live(bench)
    rows = {row["order_id"]: row for row in await bench.rows(COPIES["orders"])}
    first = rows[an_order().id]
    assert (first["client_id"], first["version"], str(first["revenue"]), first["kind"]) == (
        ALICE,
        2,
        "199944.5",
        "order",
    )
    assert rows[an_order(number="A-3").id]["client_id"] == BOB
    assert rows[an_order(number="R-1").id]["kind"] == "refund"
