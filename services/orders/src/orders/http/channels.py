"""Channels: opened by operators, and fed by imports."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from chassis.web.idempotency import show_once
from chassis.web.paging import Count, Cursor, Limit, Page, page_of, read_cursor, text
from chassis.web.route import Reads, Writes, router
from orders import store
from orders.adapters.envelope import wrap
from orders.commands import change_channel, channel_at_the_door, open_channel, take_message
from orders.domain.channel import Channel, ChannelKind, MetaKeys
from orders.domain.revision import ChannelOrder
from orders.http.places import before
from orders.store.orders_read import Wanted, count_orders
from schemas.orders import OrderState
from schemas.values import Instant, Name

routes = router("channels")
MOST_AT_ONCE = 500


class NewMetaKeys(MetaKeys):
    """Meta keys as an operator gives them."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Secret = Annotated[str, Field(min_length=16, max_length=500, pattern=r"^[^\x00]*$")]
"""What a shop signs with: whoever guesses it writes orders, so it is not short."""


class NewChannel(BaseModel):
    """A channel to be opened; only a WooCommerce shop has a secret and settings."""

    model_config = ConfigDict(extra="forbid")

    kind: ChannelKind
    name: Name
    secret: Secret | None = None
    settings: NewMetaKeys | None = None

    @model_validator(mode="after")
    def _secret_where_needed(self) -> "NewChannel":
        if (self.kind == "woocommerce") != bool(self.secret):
            message = "a WooCommerce channel needs the webhook's secret, others have none"
            raise ValueError(message)
        return self


class ChannelChanges(BaseModel):
    """What is to be changed of a channel; the rest stays. A new secret counts from the next message on."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    secret: Secret | None = None
    settings: NewMetaKeys | None = None


class ChannelView(BaseModel):
    """A channel as it is shown: its secret never, its token once."""

    id: UUID
    kind: ChannelKind
    name: str
    created_at: Instant
    settings: MetaKeys | None = None
    webhook_url: str | None = None
    token: str | None = None


class ToldView(BaseModel):
    """How a channel told of an order last."""

    external_id: str
    revised_at: Instant
    state: OrderState
    currency: str


class Batch(BaseModel):
    """Orders of a channel, in the canonical form."""

    model_config = ConfigDict(extra="forbid")

    orders: Annotated[list[ChannelOrder], Field(min_length=1, max_length=MOST_AT_ONCE)]


class Accepted(BaseModel):
    """How many orders were stored, to be decided in their turn."""

    accepted: int


@routes.post("/channels", status_code=201, response_model_exclude_none=True)
async def create_channel(request: Request, unit: Writes, new: NewChannel) -> ChannelView:
    """Open a channel: a shop gets its webhook's address, a Kafka producer its token, shown this once."""
    channel, token = await open_channel(unit, new.kind, new.name, new.secret or "", new.settings)
    if token:
        show_once(request)
    return _view(request, channel).model_copy(update={"token": token or None})


@routes.get("/channels")
async def get_channels(
    request: Request, unit: Reads, *, limit: Limit = 100, cursor: Cursor = None, count: Count = False
) -> Page[ChannelView]:
    """List the channels, newest first."""
    after = before(cursor)
    rows = await store.list_channels(unit.connection, limit + 1, after)
    page = page_of(rows, limit, lambda row: (row.created_at.isoformat(), row.id), lambda row: _view(request, row))
    page.count = await store.count_channels(unit.connection) if count else None
    return page


@routes.patch("/channels/{channel_id}", response_model_exclude_none=True)
async def patch_channel(request: Request, unit: Writes, channel_id: UUID, changes: ChannelChanges) -> ChannelView:
    """Rename a channel, or give a shop's another secret or other meta keys."""
    channel = await change_channel(unit, channel_id, changes.name, changes.secret, changes.settings)
    return _view(request, channel)


@routes.get("/channels/{channel_id}/orders")
async def get_told(
    unit: Reads, channel_id: UUID, *, limit: Limit = 100, cursor: Cursor = None, count: Count = False
) -> Page[ToldView]:
    """List what a channel has told of, in the order of its own numbers: what it need not tell again."""
    await channel_at_the_door(unit.connection, channel_id)
    (after,) = read_cursor(cursor, text) if cursor else ("",)
    rows = await store.list_told(unit.connection, channel_id, limit + 1, after)
    page = page_of(rows, limit, lambda row: [row["external_id"]], lambda row: ToldView(**row))
    page.count = await count_orders(unit.connection, Wanted(channel_id=channel_id)) if count else None
    return page


@routes.post("/channels/{channel_id}/orders", status_code=202)
async def take_orders(request: Request, unit: Writes, channel_id: UUID, batch: Batch) -> Accepted:
    """Take orders in: known by (external_id, revision), so the same batch twice does nothing twice."""
    door = await channel_at_the_door(unit.connection, channel_id)
    bodies = [wrap(order.model_dump_json(exclude_unset=True).encode(), door.now) for order in batch.orders]
    await take_message(unit.connection, "order", channel_id, bodies)
    request.app.state.intake_stored.set()
    return Accepted(accepted=len(bodies))


def _view(request: Request, channel: Channel) -> ChannelView:
    seen: dict[str, Any] = {
        "id": channel.id,
        "kind": channel.kind,
        "name": channel.name,
        "created_at": channel.created_at,
    }
    if channel.kind == "woocommerce":
        base = (request.app.state.settings.public_url or str(request.base_url)).rstrip("/")
        seen |= {"settings": channel.settings, "webhook_url": f"{base}/v1/webhooks/{channel.id}"}
    return ChannelView(**seen)
