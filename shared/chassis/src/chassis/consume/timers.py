"""The timer scheduler: what is due is decided and taken down in one transaction per lane; fired once, never missed."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import TypeAlias
from uuid import UUID

import asyncpg

from chassis.consume.alone import together_or_alone
from chassis.consume.attempts import unit_attempted
from chassis.consume.fold import Undecided
from chassis.consume.outcomes import decide_or_bury
from chassis.database import Database
from chassis.effects import TimerFired
from chassis.events.timers import unpack
from chassis.events.unit import Unit
from chassis.locks import try_claim
from chassis.points import reach
from chassis.service import Message, Service
from schemas.ids import derive

BATCH = 500
EVERY = 0.5
Timer: TypeAlias = tuple[str, UUID]


class Moved(Exception):
    """A timer was set anew or cancelled between being read and its state being locked: all is read again."""


async def fire_due(database: Database, service: Service) -> int:
    """Fire all timers that are due now; return how many. What only fails alone, and again, is a dead letter.

    Those of a kind that only another release knows wait for it.
    """
    lanes = await database.pool.fetch(
        "select distinct lane from chassis.timers, chassis.clock where due <= now() + ahead and kind = any($1)"
        " order by lane",
        service.timer_kinds(),
    )
    fired = 0
    for row in lanes:
        while count := await together_or_alone("timers", partial(_fire, database, service, row["lane"])):
            fired += count
    return fired


async def _fire(
    database: Database,
    service: Service,
    lane: int,
    claimed: list[Timer],
    *,
    only: Timer | None = None,
    careful: bool = False,
    give_up: str = "",
) -> int:
    try:
        async with unit_attempted(database, service.name) as (unit, note):
            if not await try_claim(unit.connection, "timers", lane):
                return 0  # another scheduler is at it
            rows = await _due(unit, service.timer_kinds(), lane, only)
            claimed[:] = [(row["kind"], row["subject"]) for row in rows]
            if rows:
                reach("timer.claimed")
            messages = [_message(row["kind"], row["subject"], row["due"], row["cause"]) for row in rows]
            lost = await note(f"timers/{lane}", [message.cause.id for message in messages])
            await decide_or_bury(unit, service, "timers", messages, careful=careful, give_up=give_up or lost)
            await _take_down(unit, rows)
    except (Undecided, Moved) as again:
        careful = careful or isinstance(again, Undecided)
        return await _fire(database, service, lane, claimed, only=only, careful=careful, give_up=give_up)
    return len(rows)


async def _due(unit: Unit, kinds: list[str], lane: int, only: Timer | None) -> list[asyncpg.Record]:
    """Read what is due without locking it: states are locked first, here as in every unit that sets a timer."""
    return await unit.connection.fetch(
        "select kind, subject, due, cause from chassis.timers, chassis.clock where lane = $1 and due <= now() + ahead"
        " and kind = any($3) and ($4::text is null or (kind, subject) = ($4, $5::uuid))"
        " order by due, kind, subject limit $2",
        lane,
        BATCH,
        kinds,
        *(only or (None, None)),
    )


async def _take_down(unit: Unit, rows: Sequence[asyncpg.Record]) -> None:
    """Delete the timers that were decided, now that their states are locked. Raises Moved if one is no longer so."""
    if not rows:
        return
    kinds, subjects, dues, _ = zip(*rows, strict=True)
    deleted = await unit.connection.fetchval(
        "with gone as (delete from chassis.timers t using unnest($1::text[], $2::uuid[], $3::timestamptz[])"
        " d(kind, subject, due) where (t.kind, t.subject, t.due) = (d.kind, d.subject, d.due) returning 1)"
        " select count(*) from gone",
        kinds,
        subjects,
        dues,
    )
    if deleted != len(rows):
        raise Moved


def _message(kind: str, subject: UUID, due: datetime, kept: bytes) -> Message:
    cause = unpack(kept)
    fired = TimerFired(kind, subject, due)
    firing = derive("timer", kind, subject, due)
    cause = cause._replace(id=firing)
    return Message(fired, cause, f"timer:{kind}", (fired, cause), fired.subject)


class TimerScheduler:
    """Fires timers until cancelled."""

    def __init__(self, database: Database, service: Service) -> None:
        self._fire = partial(fire_due, database, service)

    async def run(self) -> None:
        """Fire what is due, look again, until cancelled. Trouble is left to the caller, who starts again."""
        while True:
            await self._fire()
            await asyncio.sleep(EVERY)
