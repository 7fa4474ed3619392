"""The job worker: everybody has their turn, a page of one lane in one transaction, and it goes on where it was left.

A page locks its states first and its row of the job last, as the unit does that starts the job. So the row is read
unlocked, and moved only if it still is what was read; a job that began anew meanwhile undoes the page.
"""

import asyncio
from functools import partial
from uuid import UUID

from chassis.consume.alone import together_or_alone
from chassis.consume.attempts import unit_attempted
from chassis.consume.fold import Undecided
from chassis.consume.outcomes import decide_or_bury
from chassis.database import Database
from chassis.effects import Turn
from chassis.events.jobs import LaneOfJob, end_job, move_job, read_job, running_jobs
from chassis.events.timers import unpack
from chassis.locks import try_claim
from chassis.points import reach
from chassis.service import Message, Service
from schemas.ids import derive

PAGE = 500
EVERY = 0.5
BEFORE_ALL = UUID(int=0)


class JobMoved(Exception):
    """The job began anew, or somebody else went on with it, while a page was decided."""


async def do_pages(database: Database, service: Service) -> int:
    """Do the next page of every job in every lane; return how many turns that were.

    Whose turn only fails alone, and again, is a dead letter, and the next ones have theirs.
    """
    turns = 0
    for kind, lane in await running_jobs(database.pool, list(service.pages)):
        turns += await together_or_alone("job", partial(_do_page, database, service, kind, lane))
    return turns


async def _do_page(
    database: Database,
    service: Service,
    kind: str,
    lane: int,
    claimed: list[UUID],
    *,
    only: UUID | None = None,
    careful: bool = False,
    give_up: str = "",
) -> int:
    job = await read_job(database.pool, kind, lane)  # before the unit, whose time is then not before the job's start
    if job is None:
        return 0
    try:
        async with unit_attempted(database, service.name) as (unit, note):
            if not await try_claim(unit.connection, f"job {kind}", lane):
                return 0  # another worker is at it
            most = 1 if only else PAGE
            claimed[:] = await service.pages[kind](unit, lane, job.after or BEFORE_ALL, most)
            if claimed:
                reach("job.claimed")
            if only and claimed != [only]:
                return 0
            messages = [_message(job, key) for key in claimed]
            lost = await note(f"job {kind}/{lane}", [message.cause.id for message in messages])
            await decide_or_bury(unit, service, "jobs", messages, careful=careful, give_up=give_up or lost)
            await unit.write_timers()
            full = len(claimed) == most
            if not await (move_job(unit.connection, job, claimed[-1]) if full else end_job(unit.connection, job)):
                raise JobMoved  # noqa: TRY301 - undoes the unit
    except JobMoved:
        return 0
    except Undecided:
        return await _do_page(database, service, kind, lane, claimed, only=only, careful=True, give_up=give_up)
    return len(claimed)


def _message(job: LaneOfJob, key: UUID) -> Message:
    turn, cause = Turn(job.kind, job.subject, key), unpack(job.cause)
    cause = cause._replace(id=derive("turn", cause.id, job.kind, key))
    return Message(turn, cause, turn.type, (turn, cause), key)


class JobWorker:
    """Does jobs until cancelled."""

    def __init__(self, database: Database, service: Service) -> None:
        self._work = partial(do_pages, database, service)

    async def run(self) -> None:
        """Do pages, look again, until cancelled. Trouble is left to the caller, who starts again."""
        while True:
            if not await self._work():
                await asyncio.sleep(EVERY)
