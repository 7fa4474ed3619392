"""Rows of devices: locked in the order of their ids, written only where something is different."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

import asyncpg
import orjson

from chassis.events.lanes import lane_of
from chassis.events.unit import Unit
from schemas.orders import DeviceTerms
from service_desk.domain import Device


def device_of(row: asyncpg.Record) -> Device:
    """Make a device of its row; the end of its warranty follows from the rest."""
    return Device(
        row["id"], row["client_id"], row["order_id"], row["sku"], DeviceTerms(**orjson.loads(row["terms"])),
        row["service_package"], row["sold_at"], row["state"], row["version"], row["declared"], row["last_service_at"],
        row["notice_at"], row["notice_lead"],
    )  # fmt: skip


async def lock_devices(unit: Unit, ids: Sequence[UUID]) -> list[Device]:
    """Return devices by their ids, locked until commit."""
    rows = await unit.connection.fetch(
        "select * from devices where id = any($1::uuid[]) order by id for update", sorted(ids)
    )
    return [device_of(row) for row in rows]


async def lock_devices_of(unit: Unit, orders: Sequence[UUID]) -> list[Device]:
    """Return all devices that orders ever declared, locked until commit."""
    rows = await unit.connection.fetch(
        "select * from devices where order_id = any($1::uuid[]) order by id for update", orders
    )
    return [device_of(row) for row in rows]


async def save_devices(unit: Unit, devices: Sequence[Device]) -> None:
    """Write the devices that are not as their rows are."""
    if not devices:
        return
    await unit.connection.execute(
        "insert into devices select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::jsonb[],"
        " $6::text[], $7::timestamptz[], $8::timestamptz[], $9::text[], $10::bigint[], $11::bigint[],"
        " $12::timestamptz[], $13::timestamptz[], $14::int[], $15::smallint[])"
        " on conflict (id) do update set client_id = excluded.client_id, sku = excluded.sku, terms = excluded.terms,"
        " service_package = excluded.service_package, sold_at = excluded.sold_at,"
        " warranty_until = excluded.warranty_until, state = excluded.state, version = excluded.version,"
        " declared = excluded.declared, last_service_at = excluded.last_service_at, notice_at = excluded.notice_at,"
        " notice_lead = excluded.notice_lead, lane = excluded.lane where devices is distinct from excluded",
        *zip(*(_row(device) for device in sorted(devices, key=lambda device: device.id)), strict=True),
    )


def _row(device: Device) -> tuple[object, ...]:
    return (
        device.id, device.client_id, device.order_id, device.sku, device.terms.model_dump_json(),
        device.service_package, device.sold_at, device.warranty_until, device.state, device.version, device.declared,
        device.last_service_at, device.notice_at, device.notice_lead, lane_of(device.client_id or device.id),
    )  # fmt: skip


async def find_device(unit: Unit, device_id: UUID) -> Device | None:
    """Return a device; None if there is no such."""
    row = await unit.connection.fetchrow("select * from devices where id = $1", device_id)
    return device_of(row) if row else None


async def list_devices(
    unit: Unit, client_id: UUID | None, before: tuple[datetime, UUID] | None, limit: int
) -> list[Device]:
    """Return the devices that somebody has, the last sold first."""
    sold_at, device_id = before or (None, None)
    rows = await unit.connection.fetch(
        "select * from devices where client_id is not null and ($1::uuid is null or client_id = $1)"
        " and ($2::timestamptz is null or (sold_at, id) < ($2, $3::uuid)) order by sold_at desc, id desc limit $4",
        client_id,
        sold_at,
        device_id,
        limit,
    )
    return [device_of(row) for row in rows]


async def count_devices(unit: Unit, client_id: UUID | None) -> int:
    """Return how many devices a client has, or all clients."""
    return cast(
        "int",
        await unit.connection.fetchval(
            "select count(*) from devices where client_id is not null and ($1::uuid is null or client_id = $1)",
            client_id,
        ),
    )
