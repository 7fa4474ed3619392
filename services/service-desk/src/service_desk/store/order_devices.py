"""What was last heard of orders, with their devices. The row of an order is the lock of all that it declares."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from chassis.events.unit import Unit
from schemas.orders import OrderEvent, OrderForgotten
from service_desk.domain import OrderDevices
from service_desk.store.device import lock_devices_of, save_devices
from service_desk.store.lead import share_lead

Message = OrderEvent | OrderForgotten


class Orders:
    """The orders of a batch, whoever's lane they are heard in."""

    def key(self, message: Message) -> UUID:
        return message.subject_id

    async def load(self, unit: Unit, messages: Sequence[Message]) -> Mapping[UUID, OrderDevices]:
        """Lock the orders, then their devices; read the lead last."""
        ids = sorted({message.subject_id for message in messages})
        await unit.connection.execute(
            "insert into order_copies (order_id) select unnest($1::uuid[]) on conflict do nothing", ids
        )
        rows = await unit.connection.fetch(
            "select order_id, version, client_id, since, units, incarnation, base from order_copies"
            " where order_id = any($1::uuid[]) order by order_id for update",
            ids,
        )
        devices = await lock_devices_of(unit, ids)
        lead = await share_lead(unit)
        loaded = {row["order_id"]: OrderDevices(*row) for row in rows}
        for order in loaded.values():
            order.lead_months = lead.months
        for device in devices:
            if device.order_id:
                loaded[device.order_id].devices[device.id] = device
        return loaded

    async def save(self, unit: Unit, states: Sequence[OrderDevices]) -> None:
        await unit.connection.execute(
            "update order_copies o set version = n.version, client_id = n.client_id, since = n.since, units = n.units,"
            " incarnation = n.incarnation, base = n.base from unnest($1::uuid[], $2::bigint[], $3::uuid[],"
            " $4::bigint[], $5::int[], $6::bigint[], $7::bigint[])"
            " n(order_id, version, client_id, since, units, incarnation, base)"
            " where o.order_id = n.order_id and (o.incarnation, o.version) < (n.incarnation, n.version)",
            [order.order_id for order in states],
            [order.version for order in states],
            [order.client_id for order in states],
            [order.since for order in states],
            [order.units for order in states],
            [order.incarnation for order in states],
            [order.base for order in states],
        )
        await save_devices(unit, [device for order in states for device in order.devices.values()])


orders = Orders()
