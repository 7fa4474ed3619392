"""The devices of one order: they follow from its latest state alone, in whatever order events are heard."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from schemas.event import Stamp
from schemas.ids import device_id
from schemas.orders import MOST_DEVICES, DeviceTerms, Order, OrderAssigned, OrderEvent, OrderForgotten, OrderLeft
from service_desk.domain.device import Device, Effect, announce


class Unit(NamedTuple):
    """One device as a paid order declares it."""

    id: UUID
    sku: str
    terms: DeviceTerms
    service_package: str | None
    sold_at: datetime
    state: Literal["active", "closed"]


@dataclass(slots=True)
class OrderDevices:
    """An order as it was last heard of, and all devices it ever declared.

    ``number`` is its version as devices know it: one that rises also when the orders' log was rewound and versions came
    again, which ``base`` makes up for. ``since`` is the number with which the order came where it is; ``units`` counts
    what its latest state declares. Notices that wait follow ``lead_months``: a device that moves may leave the lane
    where another lead goes round.
    """

    order_id: UUID
    version: int = 0
    client_id: UUID | None = None
    since: int = 0
    units: int = 0
    incarnation: int = 0
    base: int = 0
    devices: dict[UUID, Device] = field(default_factory=dict)
    lead_months: int = 1

    @property
    def stamp(self) -> Stamp:
        """What guards the copy."""
        return Stamp(self.incarnation, self.version)

    @property
    def number(self) -> int:
        """The version as devices know it."""
        return self.base + self.version

    def follow(self, event: OrderEvent) -> Iterator[Effect]:
        """Make the devices what the order's latest state says: paid makes them, given back in full closes them.

        An order that moves takes them along; the lane of its new client may be heard before the old one's farewell.
        A device that is declared again counts as new: who heard of the move first may not know it from before.
        """
        units = {unit.id: unit for unit in _units(event.order)}
        if event.stamp <= self.stamp:
            if event.stamp.incarnation == self.incarnation:
                yield from self._remember(self.base + event.order.version, units)
            return
        client_id = event.order.client_id
        elsewhere = client_id == self.client_id != event.client_id  # a farewell told again where the order is not
        left = isinstance(event, OrderLeft) and not elsewhere
        client_id = None if left else client_id
        moved = left or isinstance(event, OrderAssigned) or client_id != self.client_id or not self.number
        yield from self._become(event.stamp, client_id, units, moved=moved)

    def forget(self, event: OrderForgotten) -> Iterator[Effect]:
        """Close all devices of an order that is no more; they belong to nobody."""
        if self.number and event.stamp > self.stamp:
            yield from self._become(event.stamp, None, {}, moved=True)

    def _become(
        self, stamp: Stamp, client_id: UUID | None, units: dict[UUID, Unit], *, moved: bool
    ) -> Iterator[Effect]:
        previous = self.number
        if previous and stamp.incarnation != self.incarnation:
            self.base = previous + 1
        self.incarnation, self.version = stamp
        self.client_id, self.units = client_id, len(units)
        if moved:
            self.since = self.number
        for known in list(self.devices.values()):
            before = replace(known)
            again = known.id in units and known.declared < previous
            if known.id in units:
                _declare(known, units.pop(known.id), self.number)
            else:
                known.state = "closed"
            known.client_id = client_id
            known.replan_notice(self.lead_months)
            if moved or again or known.public() != before.public():
                known.version = self.number
            yield from announce(before, known)
        for unit in units.values():
            yield from self._add(unit, self.number)

    def _remember(self, version: int, units: dict[UUID, Unit]) -> Iterator[Effect]:
        """Keep what an older state declared and the latest does not: closed, as if it had been heard in time.

        Only events from before the last move come late, so such a device came here with that move.
        What was published of it keeps the terms of the first state heard: the version of a closed device does not rise.
        """
        for unit in units.values():
            known = self.devices.get(unit.id)
            if known is None:
                yield from self._add(unit._replace(state="closed"), version)
            elif known.declared < version:
                _declare(known, unit._replace(state="closed"), version)

    def _add(self, unit: Unit, declared: int) -> Iterator[Effect]:
        device = Device(
            unit.id, self.client_id, self.order_id, unit.sku, unit.terms, unit.service_package, unit.sold_at
        )
        _declare(device, unit, declared)
        device.version = self.number if declared == self.number else self.since
        self.devices[device.id] = device
        yield from announce(None, device)


def _declare(device: Device, unit: Unit, version: int) -> None:
    replan = device.terms.service_months != unit.terms.service_months
    device.sku, device.terms, device.service_package = unit.sku, unit.terms, unit.service_package
    device.sold_at, device.state, device.declared = unit.sold_at, unit.state, version
    if replan and device.notice_at and device.notice_lead is not None:
        device.plan_notice(device.notice_lead)


def _units(order: Order) -> Iterator[Unit]:
    """Yield one device per whole unit of what a paid order sold, but none for a line of more than MOST_DEVICES."""
    if order.paid_at is None or order.kind == "refund":
        return
    given_back = order.refunded.amount >= order.total.amount > 0 or order.state in {"refunded", "cancelled"}
    for item in order.items:
        count = int(item.quantity) if item.device else 0
        for unit in range(1, count + 1) if count <= MOST_DEVICES else ():
            if item.device:
                yield Unit(
                    device_id(order.id, item.line, unit), item.sku, item.device, item.service_package, order.paid_at,
                    "closed" if given_back else "active",
                )  # fmt: skip
