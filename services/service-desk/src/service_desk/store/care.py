"""Devices with the service orders that a command or a timer is about."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

import asyncpg

from chassis.effects import TimerFired, Turn
from chassis.events.unit import Unit
from service_desk.domain import Care, CompleteServiceOrder, OpenServiceOrder, RegisterDevice, ServiceOrder
from service_desk.store.device import lock_devices, save_devices
from service_desk.store.lead import share_lead

Message = TimerFired | Turn | RegisterDevice | OpenServiceOrder | CompleteServiceOrder


class Cares:
    """The devices of a batch by their ids; the row of a device is the lock of its service orders."""

    def key(self, message: Message) -> UUID:
        if isinstance(message, Turn):
            return message.key
        return message.subject if isinstance(message, TimerFired) else message.device_id

    async def load(self, unit: Unit, messages: Sequence[Message]) -> Mapping[UUID, Care]:
        """Lock the devices, then read their service orders and the lead."""
        ids = sorted({self.key(message) for message in messages})
        devices = {device.id: device for device in await lock_devices(unit, ids)}
        named = [m.service_order_id for m in messages if isinstance(m, CompleteServiceOrder)]
        rows = await unit.connection.fetch("select * from service_orders where id = any($1::uuid[])", named)
        lead = await share_lead(unit)
        cares = {device_id: Care(devices.get(device_id), lead.months) for device_id in ids}
        for row in rows:
            cares[row["device_id"]].service_orders[row["id"]] = _service_order(row)
        return cares

    async def save(self, unit: Unit, states: Sequence[Care]) -> None:
        await save_devices(unit, [care.device for care in states if care.device])
        orders = [order for care in states for order in care.service_orders.values()]
        if not orders:
            return
        await unit.connection.execute(
            "insert into service_orders (id, device_id, client_id, title, opened_at, state, completed_at, version)"
            " select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::text[],"
            " $7::timestamptz[], $8::bigint[]) on conflict (id) do update set client_id = excluded.client_id,"
            " state = excluded.state, completed_at = excluded.completed_at, version = excluded.version"
            " where service_orders.version < excluded.version",
            [order.id for order in orders],
            [order.device_id for order in orders],
            [order.client_id for order in orders],
            [order.title for order in orders],
            [order.opened_at for order in orders],
            [order.state for order in orders],
            [order.completed_at for order in orders],
            [order.version for order in orders],
        )


cares = Cares()


def _service_order(row: asyncpg.Record) -> ServiceOrder:
    return ServiceOrder(
        row["id"], row["device_id"], row["client_id"], row["title"], row["opened_at"], row["state"],
        row["completed_at"], row["version"],
    )  # fmt: skip


async def find_service_order(unit: Unit, service_order_id: UUID) -> ServiceOrder | None:
    """Return a service order; None if there is no such."""
    row = await unit.connection.fetchrow("select * from service_orders where id = $1", service_order_id)
    return _service_order(row) if row else None


async def list_service_orders(
    unit: Unit, device_id: UUID | None, before: tuple[datetime, UUID] | None, limit: int
) -> list[ServiceOrder]:
    """Return service orders, the last opened first."""
    opened_at, order_id = before or (None, None)
    rows = await unit.connection.fetch(
        "select * from service_orders where ($1::uuid is null or device_id = $1)"
        " and ($2::timestamptz is null or (opened_at, id) < ($2, $3::uuid)) order by opened_at desc, id desc limit $4",
        device_id,
        opened_at,
        order_id,
        limit,
    )
    return [_service_order(row) for row in rows]


async def count_service_orders(unit: Unit, device_id: UUID | None) -> int:
    """Return how many service orders there are, or there are for a device."""
    return cast(
        "int",
        await unit.connection.fetchval(
            "select count(*) from service_orders where ($1::uuid is null or device_id = $1)", device_id
        ),
    )
