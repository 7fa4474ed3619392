"""The timer scheduler: what is due is claimed and decided in one transaction per lane; fired once, never missed."""

import asyncio
from datetime import datetime
from functools import partial
from uuid import UUID

from chassis.consume.fold import Failed, Undecided, fold
from chassis.consume.outcomes import write_failures
from chassis.database import Database
from chassis.effects import TimerFired
from chassis.errors import Rejected
from chassis.events.timers import unpack
from chassis.events.unit import unit_of_work
from chassis.points import reach
from chassis.service import Message, Service
from schemas.ids import derive

BATCH = 500
EVERY = 0.5


async def fire_due(database: Database, service: Service) -> int:
    """Fire all timers that are due now; return how many."""
    lanes = await database.pool.fetch(
        "select distinct lane from chassis.timers, chassis.clock where due <= now() + ahead order by lane"
    )
    fired = 0
    for row in lanes:
        while count := await _fire_lane(database, service, row["lane"], careful=False):
            fired += count
    return fired


async def _fire_lane(database: Database, service: Service, lane: int, *, careful: bool) -> int:
    try:
        async with unit_of_work(database, service.name) as unit:
            rows = await unit.connection.fetch(
                "delete from chassis.timers where (kind, subject) in (select kind, subject from chassis.timers,"
                " chassis.clock where lane = $1 and due <= now() + ahead order by due, kind, subject limit $2"
                " for update of timers skip locked) returning kind, subject, due, cause",
                lane,
                BATCH,
            )
            reach("timer.claimed")
            messages = [_message(row["kind"], row["subject"], row["due"], row["cause"]) for row in rows]
            failed = await fold(service, unit, messages, careful=careful, held=lambda *_: False)
            dead = [Failed(f.handler, f.message, Rejected(f.reason)) for f in failed]
            await write_failures(unit, "timers", dead)
    except Undecided:
        return await _fire_lane(database, service, lane, careful=True)
    return len(rows)


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
