"""Channels: found by id at the webhook, by token for the topic ``intake.orders``."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, cast
from uuid import UUID

import asyncpg

from chassis.database import Connection
from orders.domain.channel import Channel, MetaKeys


class AtTheDoor(NamedTuple):
    """A channel, and the business time at which somebody came by it."""

    channel: Channel
    now: datetime


async def add_channel(connection: Connection, channel: Channel) -> None:
    """Store a new channel."""
    await connection.execute(
        "insert into channels (id, kind, name, secret, token_hash, settings, created_at)"
        " values ($1, $2, $3, $4, $5, $6, $7)",
        channel.id,
        channel.kind,
        channel.name,
        channel.secret,
        channel.token_hash,
        channel.settings.model_dump_json(),
        channel.created_at,
    )


async def lock_channel(connection: Connection, channel_id: UUID) -> Channel | None:
    """Return a channel to be changed, locked against others who would."""
    row = await connection.fetchrow("select * from channels where id = $1 for update", channel_id)
    return _channel(row) if row else None


async def change_channel(connection: Connection, channel: Channel) -> None:
    """Store what was changed of a channel."""
    await connection.execute(
        "update channels set name = $2, secret = $3, settings = $4 where id = $1",
        channel.id,
        channel.name,
        channel.secret,
        channel.settings.model_dump_json(),
    )


async def find_channel(connection: Connection, channel_id: UUID) -> AtTheDoor | None:
    """Return a channel and the time, if there is one of the id."""
    row = await connection.fetchrow(
        "select c.*, now() + k.ahead as now from channels c, chassis.clock k where c.id = $1", channel_id
    )
    return AtTheDoor(_channel(row), row["now"]) if row else None


async def channels_by_token(connection: Connection, hashes: Sequence[bytes]) -> dict[bytes, UUID]:
    """Return the channels that have tokens of these hashes."""
    rows = await connection.fetch("select token_hash, id from channels where token_hash = any($1::bytea[])", hashes)
    return {row["token_hash"]: row["id"] for row in rows}


async def list_channels(connection: Connection, limit: int, after: tuple[datetime, UUID] | None) -> list[Channel]:
    """Return a page of channels, newest first."""
    at, last = after or (None, None)
    rows = await connection.fetch(
        "select * from channels where $1::timestamptz is null or (created_at, id) < ($1, $2::uuid)"
        " order by created_at desc, id desc limit $3",
        at,
        last,
        limit,
    )
    return [_channel(row) for row in rows]


async def count_channels(connection: Connection) -> int:
    """Return how many channels there are."""
    return cast("int", await connection.fetchval("select count(*) from channels"))


def _channel(row: asyncpg.Record) -> Channel:
    return Channel(
        id=row["id"],
        kind=row["kind"],
        name=row["name"],
        created_at=row["created_at"],
        secret=row["secret"],
        token_hash=row["token_hash"],
        settings=MetaKeys.model_validate_json(row["settings"]),
    )
