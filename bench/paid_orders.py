"""A log of paid orders, as the orders service would have written it: real bodies, five thousand clients."""

from itertools import islice
from pathlib import Path
from uuid import UUID, uuid5

from chassis.database import Database
from chassis.events.incarnations import begin_incarnation
from chassis.events.partitions import ensure_partitions
from chassis.events.unit import unit_of_work
from schemas.orders import OrderPaid

EXAMPLE = Path(__file__).parents[1] / "shared/schemas/examples/orders.order_paid.v1.json"
CLIENTS = 5_000
AT_ONCE = 500
SPACE = UUID("5d5a6ad3-30c5-4c5e-9d0a-0b6f3f1c8a5e")


def paid_order(example: OrderPaid, number: int) -> OrderPaid:
    """Return the payment of an order of its own, by one of the clients."""
    client, order = uuid5(SPACE, f"client {number % CLIENTS}"), uuid5(SPACE, f"order {number}")
    return example.model_copy(
        update={"order": example.order.model_copy(update={"id": order, "client_id": client, "version": 1})}
    )


async def write_paid_orders(database: Database, number: int) -> None:
    """Write so many payments into a log that is new."""
    example = OrderPaid.model_validate_json(EXAMPLE.read_bytes())
    async with database.pool.acquire() as connection:
        await begin_incarnation(connection, database.identity)
        await ensure_partitions(connection)
    numbers = iter(range(number))
    while some := list(islice(numbers, AT_ONCE)):
        async with unit_of_work(database, "orders") as unit:
            unit.publish(*(paid_order(example, each) for each in some))
