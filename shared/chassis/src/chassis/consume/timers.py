"""The timer scheduler: what is due is claimed and decided in one transaction per lane; fired once, never missed."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import TypeAlias
from uuid import UUID

import structlog

from chassis.consume.alone import try_alone
from chassis.consume.fold import Failed, Undecided, fold
from chassis.consume.outcomes import write_failures
from chassis.database import TROUBLE, Database
from chassis.effects import TimerFired
from chassis.errors import Rejected, place_of
from chassis.events.timers import unpack
from chassis.events.unit import Unit, unit_of_work
from chassis.points import reach
from chassis.service import Message, Service
from schemas.ids import derive

BATCH = 500
EVERY = 0.5
Timer: TypeAlias = tuple[str, UUID]
log = structlog.get_logger()


async def fire_due(database: Database, service: Service) -> int:
    """Fire all timers that are due now; return how many. What only fails alone, and again, is a dead letter."""
    lanes = await database.pool.fetch(
        "select distinct lane from chassis.timers, chassis.clock where due <= now() + ahead order by lane"
    )
    fired = 0
    for row in lanes:
        while count := await _fire_lane(database, service, row["lane"]):
            fired += count
    return fired


async def _fire_lane(database: Database, service: Service, lane: int) -> int:
    claimed: list[Timer] = []
    try:
        return await _fire(database, service, lane, claimed)
    except TROUBLE:
        raise
    except Exception as error:  # noqa: BLE001 - what is neither trouble nor a verdict is told apart alone
        log.error("timers failed", timers=len(claimed), error=type(error).__name__, at=place_of(error))  # noqa: TRY400 - a traceback quotes values
    for timer in claimed:
        await try_alone(partial(_fire, database, service, lane, [], only=timer))
    return len(claimed)


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
        async with unit_of_work(database, service.name) as unit:
            rows = await unit.connection.fetch(
                "delete from chassis.timers where (kind, subject) in (select kind, subject from chassis.timers,"
                " chassis.clock where lane = $1 and due <= now() + ahead and ($3::text is null or (kind, subject) ="
                " ($3, $4::uuid)) order by due, kind, subject limit $2 for update of timers skip locked)"
                " returning kind, subject, due, cause",
                lane,
                BATCH,
                *(only or (None, None)),
            )
            claimed[:] = [(row["kind"], row["subject"]) for row in rows]
            reach("timer.claimed")
            messages = [_message(row["kind"], row["subject"], row["due"], row["cause"]) for row in rows]
            failed = await _decide(unit, service, messages, careful=careful, give_up=give_up)
            dead = [Failed(f.handler, f.message, Rejected(f.reason)) for f in failed]
            await write_failures(unit, "timers", dead)
    except Undecided:
        return await _fire(database, service, lane, claimed, only=only, careful=True, give_up=give_up)
    return len(rows)


async def _decide(
    unit: Unit, service: Service, messages: Sequence[Message], *, careful: bool, give_up: str
) -> list[Failed]:
    if give_up:
        return [Failed(h, m, Rejected(give_up)) for m in messages for h in service.handlers_of(m.payload)]
    return await fold(service, unit, messages, careful=careful, held=lambda *_: False)


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
