"""Durable timers, written with the state they follow: one per kind and subject."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import orjson

from chassis.database import Connection
from chassis.effects import CancelTimer, SetTimer
from chassis.events.lanes import lane_of
from chassis.events.record import Cause


def pack(cause: Cause) -> bytes:
    """Turn a cause into bytes for keeping."""
    return orjson.dumps(list(cause), default=str)


def unpack(data: bytes) -> Cause:
    """Read a kept cause."""
    identity, correlation, source, lane, sequence, hops, actor, incarnation, at = orjson.loads(data)
    when = datetime.fromisoformat(at) if at else None
    return Cause(UUID(identity), UUID(correlation), source, lane, sequence, hops, actor, incarnation, when)


async def write_timers(connection: Connection, timers: Sequence[tuple[SetTimer | CancelTimer, Cause]]) -> None:
    """Write what decisions asked for, the last word for each timer, in the order of their keys."""
    last = {(timer.kind, timer.subject): (timer, cause) for timer, cause in timers}
    ordered = [last[key] for key in sorted(last)]
    cancelled = [timer for timer, _ in ordered if isinstance(timer, CancelTimer)]
    wanted = [(timer, cause) for timer, cause in ordered if isinstance(timer, SetTimer)]
    if cancelled:
        await connection.execute(
            "delete from chassis.timers t using unnest($1::text[], $2::uuid[]) c(kind, subject)"
            " where t.kind = c.kind and t.subject = c.subject",
            [timer.kind for timer in cancelled],
            [timer.subject for timer in cancelled],
        )
    if wanted:
        await connection.execute(
            "insert into chassis.timers (kind, subject, lane, due, cause)"
            " select * from unnest($1::text[], $2::uuid[], $3::smallint[], $4::timestamptz[], $5::bytea[])"
            " on conflict (kind, subject) do update"
            " set lane = excluded.lane, due = excluded.due, cause = excluded.cause",
            [timer.kind for timer, _ in wanted],
            [timer.subject for timer, _ in wanted],
            [lane_of(timer.key or timer.subject) for timer, _ in wanted],
            [timer.due for timer, _ in wanted],
            [pack(cause) for _, cause in wanted],
        )


async def explain_timers(connection: Connection, timers: Sequence[tuple[SetTimer, Cause]]) -> None:
    """Replace the causes of timers that this very transaction has written; their rows are locked already."""
    await connection.execute(
        "update chassis.timers t set cause = c.cause"
        " from unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::bytea[]) c(kind, subject, due, cause)"
        " where t.kind = c.kind and t.subject = c.subject and t.due = c.due",
        [timer.kind for timer, _ in timers],
        [timer.subject for timer, _ in timers],
        [timer.due for timer, _ in timers],
        [pack(cause) for _, cause in timers],
    )
