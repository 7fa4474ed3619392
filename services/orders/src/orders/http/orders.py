"""Orders: found, read, linked to a client and unlinked."""

from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, computed_field

from chassis.web.paging import Count, Cursor, Limit, Page, page_of
from chassis.web.preconditions import Expected
from chassis.web.route import Reads, Writes, router
from orders import store
from orders.commands import assign_client, unassign_client
from orders.domain.errors import OrderUnknown
from orders.domain.order import AssignClient, Order, UnassignClient
from orders.http.places import before
from orders.store.orders_read import Wanted, count_orders
from schemas.orders import Order as PublicOrder
from schemas.orders import OrderState
from schemas.values import Name

routes = router("orders")


class OrderView(PublicOrder):
    """An order as it is shown; a revision that says nothing new moves ``revised_at`` without a version of its own."""

    version_tells_all: ClassVar[bool] = False

    @computed_field  # type: ignore[prop-decorator]
    @property
    def paid(self) -> bool:
        """Money has come, whatever was given back later."""
        return self.paid_at is not None


class LinkedOrder(OrderView):
    """An order after it was linked by hand, and the billing data that was overwritten, field by field."""

    replaced: dict[str, str]


class ToClient(BaseModel):
    """To whom an order is to be linked; ``overwrite_billing`` confirms that its billing data gives way for good."""

    model_config = ConfigDict(extra="forbid")

    client_id: UUID
    overwrite_billing: bool = False


@routes.get("/orders")
async def get_orders(
    unit: Reads,
    *,
    client_id: UUID | None = None,
    channel_id: UUID | None = None,
    external_id: Name | None = None,
    state: OrderState | None = None,
    warned: bool | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    count: Count = False,
) -> Page[OrderView]:
    """List orders, newest first; ``warned`` ones have something odd in them."""
    wanted = Wanted(client_id, channel_id, external_id, state, warned)
    rows = await store.list_orders(unit.connection, wanted, limit, before(cursor))
    page = page_of(rows, limit, lambda row: (row.placed_at.isoformat(), row.id), _view)
    return page.model_copy(update={"count": await count_orders(unit.connection, wanted) if count else None})


@routes.get("/orders/{order_id}")
async def get_order(unit: Reads, order_id: UUID) -> OrderView:
    """Return one order."""
    order = await store.find_order(unit.connection, order_id)
    if order is None:
        raise OrderUnknown
    return _view(order)


@routes.put("/orders/{order_id}/client")
async def put_client(unit: Writes, order_id: UUID, to: ToClient, expected: Expected) -> LinkedOrder:
    """Link an order to a client by hand; its billing data is overwritten with the card's, which must be confirmed."""
    command = AssignClient(order_id, to.client_id, to.overwrite_billing, expected)
    order = await assign_client(unit, command)
    return LinkedOrder.model_validate({**dict(_public(order)), "replaced": order.replaced})


@routes.delete("/orders/{order_id}/client")
async def delete_client(unit: Writes, order_id: UUID, expected: Expected) -> OrderView:
    """Take an order from its client by hand; the link of its identity no longer moves it."""
    return _view(_public(await unassign_client(unit, UnassignClient(order_id, expected))))


def _public(order: Order) -> PublicOrder:
    if order.public is None:
        raise OrderUnknown
    return order.public


def _view(order: PublicOrder) -> OrderView:
    return OrderView.model_validate(dict(order))
