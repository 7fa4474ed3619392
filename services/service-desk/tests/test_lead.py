"""Another lead: what it starts, and what becomes of the notices that wait."""

from datetime import UTC, datetime

from factories import ALICE, BOB, FIRST, ORDER_ID, an_order, kinds, moved, paid

from chassis.effects import SetTimer, StartJob
from schemas.ids import derive
from service_desk.domain import REMIND, REPLAN, Care, Lead, OrderDevices, months_later
from service_desk.domain.lead import ChangeLead

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _serviced() -> OrderDevices:
    """Return an order with one device that was serviced now, its notice planned with a lead of one month."""
    devices = OrderDevices(ORDER_ID)
    list(devices.follow(paid()))
    devices.devices[FIRST].last_service_at = NOW
    devices.devices[FIRST].plan_notice(1)
    return devices


def test_another_lead_moves_what_waits() -> None:
    lead = Lead(1, 1)
    assert list(lead.change(ChangeLead(3))) == [StartJob(REPLAN, derive("lead", 2))]
    assert list(lead.change(ChangeLead(3))) == []
    care = Care(_serviced().devices[FIRST], lead.months)
    assert list(care.replan()) == [SetTimer(REMIND, FIRST, months_later(NOW, 9), ALICE)]
    assert list(care.replan()) == []


def test_a_notice_that_was_given_is_not_planned_again() -> None:
    care = Care(_serviced().devices[FIRST], 3)
    assert care.device is not None
    care.device.notice_at = None
    assert list(care.replan()) == []


def test_a_device_that_moves_takes_the_present_lead_along() -> None:
    devices = _serviced()
    devices.lead_months = 3
    farewell, greeting = moved(an_order(), BOB)
    assert kinds(list(devices.follow(farewell))) == ["DeviceLeft", "CancelTimer"]
    _, timer = devices.follow(greeting)
    assert timer == SetTimer(REMIND, FIRST, months_later(NOW, 9), BOB)
