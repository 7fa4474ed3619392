"""The verbs of operators and channels: load, decide, save."""

import secrets
from collections.abc import Sequence
from uuid import UUID, uuid4

from chassis.consume.fold import perform
from chassis.consume.intake import store_intake
from chassis.database import Connection
from chassis.events.unit import Unit
from orders import store
from orders.domain.channel import Channel, ChannelKind, MetaKeys, token_hash
from orders.domain.errors import ChannelUnknown
from orders.domain.order import AssignClient, Order, UnassignClient
from orders.domain.product import PutProduct, Shelf
from orders.store.channels import AtTheDoor


async def open_channel(
    unit: Unit, kind: ChannelKind, name: str, secret: str = "", settings: MetaKeys | None = None
) -> tuple[Channel, str]:
    """Store a channel and return it; that of Kafka with its token, which is shown this once."""
    token = secrets.token_urlsafe(32) if kind == "kafka" else ""
    channel = Channel(
        id=uuid4(),
        kind=kind,
        name=name,
        created_at=await unit.now(),
        secret=secret,
        token_hash=token_hash(token) if token else None,
        settings=settings or MetaKeys(),
    )
    await store.add_channel(unit.connection, channel)
    return channel, token


async def change_channel(
    unit: Unit, channel_id: UUID, name: str | None, secret: str | None, settings: MetaKeys | None
) -> Channel:
    """Change what an operator may change of a channel. Raises ChannelUnknown and SecretNotWanted."""
    found = await store.lock_channel(unit.connection, channel_id)
    if found is None:
        raise ChannelUnknown
    channel = found.changed(name, secret, settings)
    await store.change_channel(unit.connection, channel)
    return channel


async def channel_at_the_door(connection: Connection, channel_id: UUID, kind: ChannelKind | None = None) -> AtTheDoor:
    """Return a channel and the time. Raises ChannelUnknown, also for one of another kind."""
    found = await store.find_channel(connection, channel_id)
    if found is None or (kind and found.channel.kind != kind):
        raise ChannelUnknown
    return found


async def take_message(connection: Connection, kind: str, channel_id: UUID, bodies: Sequence[bytes]) -> None:
    """Store raw messages; a worker decides them in their turn."""
    await store_intake(connection, kind, channel_id, *bodies)


async def assign_client(unit: Unit, command: AssignClient) -> Order:
    """Link an order to a client by hand."""
    order: Order = await perform(unit, Order.assign, command, store.orders, store.cards)
    return order


async def unassign_client(unit: Unit, command: UnassignClient) -> Order:
    """Take an order from its client by hand."""
    order: Order = await perform(unit, Order.unassign, command, store.orders)
    return order


async def put_product(unit: Unit, command: PutProduct) -> Shelf:
    """Put a product into the catalogue, or change it there."""
    shelf: Shelf = await perform(unit, Shelf.put, command, store.shelves)
    return shelf
