"""Whatever lane is heard first, whatever is heard twice: the devices end the same."""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from factories import ALICE, BOB, ORDER_ID, PAID, TERMS, an_item, an_order, changed, moved
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chassis.testing import Bench
from schemas.orders import OrderEvent
from schemas.service_desk import Device as PublicDevice
from schemas.service_desk import DeviceEvent, DeviceLeft
from schemas.values import Money
from service_desk.domain import Device, OrderDevices

SHORT = TERMS.model_copy(update={"warranty_months": 6, "service_months": 3})
steps = st.one_of(
    st.tuples(st.just("pay"), st.booleans()),
    st.tuples(st.just("refund"), st.sampled_from(["0", "1", "1000"])),
    st.tuples(st.just("units"), st.sampled_from(["1", "2", "3"])),
    st.tuples(st.just("terms"), st.sampled_from([TERMS, SHORT])),
    st.tuples(st.just("move"), st.sampled_from([ALICE, BOB, None])),
)
histories = st.tuples(st.sampled_from([ALICE, None]), st.lists(steps, max_size=12))


class Hearing(NamedTuple):
    """A history's events as they happened, and in some order that lanes allow, cut into batches."""

    history: list[OrderEvent]
    batches: list[list[OrderEvent]]


def _tell(client: UUID | None, history: Iterable[tuple[str, object]]) -> list[OrderEvent]:
    """Return an order's events, each with the order's next version, as the orders service publishes them."""
    order = an_order(client=client, paid_at=None)
    events: list[OrderEvent] = [changed(order)]
    for verb, value in history:
        (item,) = order.items
        update: dict[str, object] = {"version": order.version + 1}
        if verb == "move":
            if value == order.client_id:
                continue
            events += moved(order, value if isinstance(value, UUID) else None, old_state=order.version % 2 == 0)
            order = events[-1].order
            continue
        if verb == "pay":
            update["paid_at"] = PAID if value else None
        elif verb == "refund":
            update["refunded"] = Money(amount=Decimal(str(value)), currency="CZK")
        elif verb == "units":
            update["items"] = (an_item(str(value), terms=item.device),)
        else:
            update["items"] = (item.model_copy(update={"device": value}),)
        order = order.model_copy(update=update)
        events.append(changed(order))
    return events


@st.composite
def hearings(draw: st.DrawFn) -> Hearing:
    history = _tell(*draw(histories))
    lanes: dict[UUID, list[OrderEvent]] = {}
    for event in history:
        lanes.setdefault(event.partition_key, []).append(event)
    heard: list[OrderEvent] = []
    while any(lanes.values()):
        lane = draw(st.sampled_from(sorted(key for key, left in lanes.items() if left)))
        heard.append(lanes[lane].pop(0))
        if draw(st.integers(0, 5)) == 0:
            heard.append(draw(st.sampled_from(heard)))
    batches: list[list[OrderEvent]] = [[]]
    for event in heard:
        if draw(st.booleans()):
            batches.append([])
        batches[-1].append(event)
    return Hearing(history, [batch for batch in batches if batch])


def _follow(events: Iterable[OrderEvent]) -> tuple[OrderDevices, list[object]]:
    devices = OrderDevices(ORDER_ID)
    said: list[object] = []
    for event in events:
        said += list(devices.follow(event))
    return devices, said


def _seen_by_clients(said: Iterable[object]) -> dict[tuple[UUID, UUID], PublicDevice]:
    """Return what a listener keeps per (client, device) who guards by version: what left is not kept."""
    copies: dict[tuple[UUID, UUID], tuple[int, PublicDevice | None]] = {}
    for event in said:
        if isinstance(event, DeviceEvent):
            place = (event.partition_key, event.subject_id)
            if event.subject_version > copies.get(place, (0, None))[0]:
                copies[place] = (event.subject_version, None if isinstance(event, DeviceLeft) else event.device)
    return {place: device for place, (_, device) in copies.items() if device}


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(hearings())
def test_any_order_of_lanes_ends_in_the_same_devices(hearing: Hearing) -> None:
    in_time, _ = _follow(hearing.history)
    as_heard, said = _follow(event for batch in hearing.batches for event in batch)
    assert as_heard == in_time
    seen = _seen_by_clients(said)
    theirs = {(d.client_id, d.id): d for d in as_heard.devices.values() if d.client_id}
    assert {k: (d.state, d.version) for k, d in seen.items()} == {k: (d.state, d.version) for k, d in theirs.items()}
    declared = {k: d for k, d in theirs.items() if d.declared == as_heard.version}
    assert {k: seen[k] for k in declared} == {k: d.public() for k, d in declared.items()}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hearings())
async def test_the_database_ends_the_same_in_any_batches(bench: Bench, hearing: Hearing) -> None:
    await bench.rows("truncate order_copies, devices, service_orders, chassis.events, chassis.timers")
    for batch in hearing.batches:
        await bench.hear(*batch)
    in_time, _ = _follow(hearing.history)
    (copy,) = await bench.rows("select version, client_id, since, units from order_copies")
    assert tuple(copy) == (in_time.version, in_time.client_id, in_time.since, in_time.units)
    rows = await bench.rows("select id, client_id, state, version, declared, sold_at, warranty_until from devices")
    assert {row["id"]: tuple(row) for row in rows} == {d.id: _row(d) for d in in_time.devices.values()}
    assert await bench.failing_checks() == {}
    assert await bench.dead_letters() == []


def _row(device: Device) -> tuple[object, ...]:
    return (
        device.id, device.client_id, device.state, device.version, device.declared, device.sold_at,
        device.warranty_until,
    )  # fmt: skip
