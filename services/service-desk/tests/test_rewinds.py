"""Orders whose log was set back: devices follow what the orders are now, and their own versions still rise."""

from factories import ALICE, BOB, ORDER_ID, an_item, an_order, changed, kinds, moved, paid

from chassis.testing import Bench
from schemas.orders import OrderForgotten, OrderLeft
from service_desk.domain import OrderDevices

FORGOTTEN = OrderForgotten(order_id=ORDER_ID, left=ALICE)


async def test_the_devices_of_an_order_that_is_no_more_are_closed_and_opened_when_it_comes_again(bench: Bench) -> None:
    await bench.hear(paid(an_order(version=9)))
    assert kinds(await bench.hear_anew(FORGOTTEN)) == ["DeviceLeft"]
    assert await bench.hear_anew(FORGOTTEN) == []
    assert await bench.rows("select state, client_id from devices") == [("closed", None)]
    assert kinds(await bench.hear_anew(paid(an_order(version=1)))) == ["DeviceRegistered"]
    assert await bench.rows("select state, client_id from devices") == [("active", ALICE)]
    assert await bench.failing_checks() == {}


async def test_versions_of_devices_rise_though_those_of_their_order_come_again(bench: Bench) -> None:
    await bench.hear(paid(an_order(version=5)), changed(an_order(an_item("2"), version=6)))
    said = await bench.hear_anew(changed(an_order(an_item("2"), refunded="1000", version=2)))
    assert [event.subject_version > 6 for event in said] == [True, True]
    assert await bench.failing_checks() == {}


async def test_a_farewell_told_again_where_the_order_is_not_moves_nothing(bench: Bench) -> None:
    await bench.hear(paid(an_order(version=3)))
    state = an_order(version=4)
    assert await bench.hear_anew(OrderLeft(order=state, left=BOB), changed(an_order(version=5))) == []
    assert await bench.rows("select client_id, state from devices") == [(ALICE, "active")]
    assert await bench.failing_checks() == {}


async def test_a_move_that_was_lost_is_undone(bench: Bench) -> None:
    await bench.hear(paid(an_order(version=1)))
    await bench.hear(*moved(an_order(version=1), BOB))
    back = OrderLeft(order=an_order(version=2), left=BOB)
    assert kinds(await bench.hear_anew(back, changed(an_order(version=3)))) == ["DeviceLeft", "DeviceRegistered"]
    assert await bench.rows("select client_id, state from devices") == [(ALICE, "active")]
    assert await bench.failing_checks() == {}


def test_what_an_earlier_incarnation_said_late_is_passed_over() -> None:
    devices = OrderDevices(ORDER_ID)
    list(devices.follow(paid(an_order(version=1)).heard(ORDER_ID, 2)))
    assert list(devices.follow(paid(an_order(an_item("3"), version=7)).heard(ORDER_ID, 1))) == []
    assert len(devices.devices) == 1
