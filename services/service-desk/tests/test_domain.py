"""Devices, months and care, without a database."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import uuid4

import pytest
from factories import (
    ALICE,
    BOB,
    FIRST,
    ORDER_ID,
    PAID,
    TERMS,
    an_item,
    an_order,
    changed,
    kinds,
    moved,
    paid,
)  # fmt: skip

from chassis.effects import CancelTimer, SetTimer, TimerFired
from schemas.orders import DeviceTerms
from schemas.service_desk import DeviceClosed, DeviceLeft, DeviceRegistered, MaintenanceDue
from service_desk.domain import (
    REMIND,
    AlreadyCompleted,
    Care,
    CompletedInFuture,
    CompleteServiceOrder,
    Device,
    DeviceOutOfCare,
    OpenServiceOrder,
    OrderDevices,
    months_later,
)  # fmt: skip

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_paying_makes_one_device_a_unit() -> None:
    devices = OrderDevices(ORDER_ID)
    said = list(devices.follow(paid(an_order(an_item("2.9"), an_item("1", line=2, terms=None)))))
    assert kinds(said) == ["DeviceRegistered", "DeviceRegistered"]
    device = devices.devices[FIRST]
    assert (device.client_id, device.sold_at, device.state, device.version) == (ALICE, PAID, "active", 1)
    assert device.warranty_until == datetime(2028, 1, 31, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("quantity", ["0", "-3", "0.99"])
def test_less_than_one_unit_makes_no_device(quantity: str) -> None:
    devices = OrderDevices(ORDER_ID)
    assert list(devices.follow(paid(an_order(an_item(quantity))))) == []
    assert devices.devices == {}


def test_more_units_than_a_line_can_mean_are_no_devices() -> None:
    assert list(OrderDevices(ORDER_ID).follow(paid(an_order(an_item("1001"))))) == []
    assert len(list(OrderDevices(ORDER_ID).follow(paid(an_order(an_item("1000")))))) == 1000


def test_an_order_that_is_not_paid_makes_no_device() -> None:
    assert list(OrderDevices(ORDER_ID).follow(changed(an_order(paid_at=None, state="open")))) == []


@pytest.mark.parametrize(
    ("refunded", "state"), [("1000", "paid"), ("1200", "paid"), ("0", "refunded"), ("0", "cancelled")]
)
def test_a_full_refund_closes_and_undoing_it_opens_again(refunded: str, state: str) -> None:
    devices = OrderDevices(ORDER_ID)
    list(devices.follow(paid()))
    back = an_order(refunded=refunded, version=2).model_copy(update={"state": state})
    (closed,) = devices.follow(changed(back))
    assert isinstance(closed, DeviceClosed)
    assert (closed.device.state, closed.device.version) == ("closed", 2)
    (opened,) = devices.follow(changed(an_order(version=3)))
    assert isinstance(opened, DeviceRegistered)


def test_a_partial_refund_closes_nothing() -> None:
    devices = OrderDevices(ORDER_ID)
    list(devices.follow(paid()))
    assert list(devices.follow(changed(an_order(refunded="999.99", version=2)))) == []


def test_fewer_units_close_the_rest() -> None:
    devices = OrderDevices(ORDER_ID)
    list(devices.follow(paid(an_order(an_item("3")))))
    said = list(devices.follow(changed(an_order(an_item("2"), version=2))))
    assert kinds(said) == ["DeviceClosed"]


def test_a_move_says_farewell_and_greets() -> None:
    devices = OrderDevices(ORDER_ID)
    list(devices.follow(paid()))
    farewell, greeting = moved(an_order(), BOB)
    (left,) = devices.follow(farewell)
    (registered,) = devices.follow(greeting)
    assert isinstance(left, DeviceLeft)
    assert (left.left, left.partition_key, left.device.client_id) == (ALICE, ALICE, None)
    assert isinstance(registered, DeviceRegistered)
    assert (registered.partition_key, registered.device.version) == (BOB, 3)


def test_a_greeting_heard_before_the_farewell_says_both_and_ends_the_same() -> None:
    ends = []
    said = []
    farewell, greeting = moved(an_order(), BOB)
    for events in permutations([paid(), farewell, greeting]):
        devices = OrderDevices(ORDER_ID)
        said.append([kind for event in events for kind in kinds(list(devices.follow(event)))])
        ends.append(devices)
    assert all(end == ends[0] for end in ends)
    assert said[1] == ["DeviceRegistered", "DeviceLeft", "DeviceRegistered"]
    assert said[4] == ["DeviceRegistered"]


def test_a_device_declared_again_after_a_move_counts_as_new_whichever_lane_was_first() -> None:
    given_back, unpaid = an_order(refunded="1000"), an_order(refunded="1000", paid_at=None, version=2)
    farewell, greeting = moved(unpaid, BOB)
    again = changed(an_order(client=BOB, refunded="1000", version=5))
    in_time, as_heard = OrderDevices(ORDER_ID), OrderDevices(ORDER_ID)
    for event in (paid(given_back), changed(unpaid), farewell, greeting, again):
        list(in_time.follow(event))
    for event in (greeting, again, paid(given_back), changed(unpaid), farewell):
        list(as_heard.follow(event))
    assert as_heard == in_time
    assert in_time.devices[FIRST].version == 5


def test_an_order_of_nobody_keeps_its_devices_to_itself() -> None:
    devices = OrderDevices(ORDER_ID)
    assert list(devices.follow(paid(an_order(client=None)))) == []
    _, greeting = moved(an_order(client=None), BOB)
    (registered,) = devices.follow(greeting)
    assert isinstance(registered, DeviceRegistered)
    assert registered.device.client_id == BOB


def _care(completed: datetime | None = None, terms: DeviceTerms = TERMS) -> tuple[Care, list[object]]:
    device = Device(FIRST, ALICE, None, "", terms, None, PAID, version=1)
    care = Care(device, 1)
    job = uuid4()
    list(care.open(OpenServiceOrder(FIRST, job, "Revize", NOW)))
    done = CompleteServiceOrder(FIRST, job, completed or NOW, NOW)
    return care, list(care.complete(done))


def test_a_completed_service_sets_the_notice_in_the_eleventh_month() -> None:
    _, (completed, timer) = _care(datetime(2026, 3, 31, 8, tzinfo=UTC))
    assert kinds([completed]) == ["ServiceOrderCompleted"]
    assert timer == SetTimer(REMIND, FIRST, datetime(2027, 2, 28, 9, tzinfo=UTC), ALICE)


def test_a_lead_longer_than_the_interval_reminds_at_once() -> None:
    _, (_, timer) = _care(NOW, DeviceTerms(model="m", service_months=1))
    assert timer == SetTimer(REMIND, FIRST, NOW, ALICE)


def test_only_the_latest_completed_service_counts() -> None:
    care, _ = _care(NOW)
    older = uuid4()
    list(care.open(OpenServiceOrder(FIRST, older, "Dříve", NOW)))
    said = list(care.complete(CompleteServiceOrder(FIRST, older, NOW - timedelta(days=90), NOW)))
    assert kinds(said) == ["ServiceOrderCompleted"]
    assert care.device is not None
    assert care.device.last_service_at == NOW


def test_completing_twice_is_completing_once_and_at_another_time_refused() -> None:
    care, _ = _care(NOW)
    (job,) = care.service_orders
    assert list(care.complete(CompleteServiceOrder(FIRST, job, NOW, NOW))) == []
    with pytest.raises(AlreadyCompleted):
        list(care.complete(CompleteServiceOrder(FIRST, job, PAID, NOW)))


def test_work_is_not_completed_in_the_future() -> None:
    with pytest.raises(CompletedInFuture):
        _care(NOW + timedelta(microseconds=1))


def test_a_closed_device_is_out_of_care() -> None:
    care, _ = _care(NOW)
    assert care.device is not None
    care.device.state = "closed"
    with pytest.raises(DeviceOutOfCare):
        list(care.open(OpenServiceOrder(FIRST, uuid4(), "Revize", NOW)))


def test_a_reminder_is_said_once_until_the_next_service() -> None:
    care, (_, timer) = _care(NOW)
    assert isinstance(timer, SetTimer)
    (due,) = care.remind(TimerFired(*timer[:3]))
    assert isinstance(due, MaintenanceDue)
    assert (due.last_service_at, due.due_at) == (NOW, months_later(NOW, 12))
    assert list(care.remind(TimerFired(*timer[:3]))) == []


def test_a_closed_device_is_not_reminded_of_and_an_opened_one_is_again() -> None:
    devices = OrderDevices(ORDER_ID)
    list(devices.follow(paid()))
    device = devices.devices[FIRST]
    device.last_service_at = NOW
    device.plan_notice(1)
    closed, cancelled = devices.follow(changed(an_order(refunded="1000", version=2)))
    assert kinds([closed]) == ["DeviceClosed"]
    assert cancelled == CancelTimer(REMIND, FIRST)
    assert list(Care(device, 1).remind(TimerFired(REMIND, FIRST, months_later(NOW, 11)))) == []
    _, again = devices.follow(changed(an_order(version=3)))
    assert again == SetTimer(REMIND, FIRST, months_later(NOW, 11), ALICE)


def test_a_reminder_waits_while_the_device_belongs_to_nobody() -> None:
    devices = OrderDevices(ORDER_ID)
    list(devices.follow(paid()))
    devices.devices[FIRST].last_service_at = NOW
    devices.devices[FIRST].plan_notice(1)
    farewell, greeting = moved(an_order(), BOB)
    assert kinds(list(devices.follow(farewell))) == ["DeviceLeft", "CancelTimer"]
    assert kinds(list(devices.follow(greeting))) == ["DeviceRegistered", "SetTimer"]
