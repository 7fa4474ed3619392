"""Orders whose log was set back: accounts bear what the orders are now, and the ledger says so line by line."""

from chassis.testing import Bench
from loyalty.domain import Account, Why
from schemas.ids import derive
from schemas.loyalty import PointsEarned, PointsTakenBack
from schemas.orders import OrderForgotten
from services.loyalty.tests.factories import ALICE, BOB, an_account, an_order, changed, moved, paid

WHY = Why(derive("event"), "orders/1/1")
ORDER = an_order().id
FORGOTTEN = OrderForgotten(order_id=ORDER, left=ALICE)


async def points(bench: Bench) -> dict[object, int]:
    return dict(await bench.rows("select client_id, points from accounts where points <> 0"))


async def test_an_order_that_is_no_more_bears_no_points_and_comes_again_as_its_first_version(bench: Bench) -> None:
    await bench.hear(paid(version=9))
    (taken,) = await bench.hear_anew(FORGOTTEN)
    assert isinstance(taken, PointsTakenBack)
    assert await bench.hear_anew(FORGOTTEN) == []
    assert await points(bench) == {}
    (earned,) = await bench.hear_anew(paid(version=1))
    assert isinstance(earned, PointsEarned)
    assert await points(bench) == {ALICE: 100}
    assert await bench.failing_checks() == {}


async def test_the_state_of_a_later_incarnation_counts_whatever_its_version(bench: Bench) -> None:
    await bench.hear(paid("1000", version=1), changed(an_order("9000", version=2)))
    await bench.hear_anew(changed(an_order("1000", version=2)))
    assert await points(bench) == {ALICE: 100}
    assert await bench.failing_checks() == {}


async def test_a_move_that_was_lost_is_undone_by_the_farewell_and_the_state_told_anew(bench: Bench) -> None:
    await bench.hear(paid(version=1))
    farewell, greeting = moved(an_order(version=1), BOB)
    await bench.hear(farewell, greeting)
    assert await points(bench) == {BOB: 100}
    back = an_order(version=3)
    await bench.hear_anew(farewell.model_copy(update={"order": an_order(version=2), "left": BOB}), changed(back))
    assert await points(bench) == {ALICE: 100}
    assert await bench.failing_checks() == {}


async def test_what_is_forgotten_under_the_key_of_an_identity_makes_no_account(bench: Bench) -> None:
    assert await bench.hear_anew(OrderForgotten(order_id=ORDER, left=derive("identity"))) == []
    assert await bench.rows("select * from accounts") == []


def test_an_older_farewell_is_passed_over() -> None:
    account: Account = an_account()
    list(account.settle(an_order(version=1), WHY, incarnation=2))
    assert list(account.forget(ORDER, WHY, incarnation=1)) == []
    assert list(account.forget(ORDER, WHY, incarnation=2)) == []
    assert account.points == 100
