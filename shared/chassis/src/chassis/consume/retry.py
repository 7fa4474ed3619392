"""Trying again: parked events by themselves, the oldest of each key first; dead letters when an operator says so."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

from chassis.consume.alone import together_or_alone
from chassis.consume.attempts import unit_attempted
from chassis.consume.fold import Failed, fold
from chassis.consume.intake import message_of
from chassis.consume.kept import Origin, kept
from chassis.consume.outcomes import write_failures
from chassis.database import Database
from chassis.effects import Turn
from chassis.errors import BusinessError, Later, NotFound, Rejected
from chassis.events.record import Record, event_of
from chassis.events.unit import Unit
from chassis.locks import try_claim
from chassis.service import Handler, Intake, Message, Service

EVERY = 2.0
PATIENCE = timedelta(hours=1)
"""After that, what still cannot be decided is a dead letter: nobody waits for ever."""
BATCH = 200
"""Queues whose oldest event is tried in one transaction."""
OLDEST = """
    with oldest as materialized (
        select subscription, handler, key, min(number) as number
        from unnest($1::text[], $2::text[], $3::uuid[]) queue(subscription, handler, key)
        join chassis.parked using (subscription, handler, key)
        where number = coalesce($5, number) group by 1, 2, 3
    )
    delete from chassis.parked p using oldest o
    where (p.subscription, p.handler, p.key, p.number) = (o.subscription, o.handler, o.key, o.number)
    returning p.subscription, p.handler, p.key, p.number, p.record,
        p.parked_at, p.parked_at < now() - $4::interval as old
"""
"""Materialized: a plan that asks a subquery again for every row would delete one after the other, unseen."""
PARK_AGAIN = """
    insert into chassis.parked (subscription, handler, key, number, record, reason, parked_at)
    overriding system value values ($1, $2, $3, $4, $5, $6, $7)
"""
NUMBER = itemgetter("number")


class Queue(NamedTuple):
    """Parked events of one key that wait for one handler."""

    subscription: str
    handler: str
    key: UUID


class StillRefused(BusinessError):
    """The message is refused again, for the reason given."""

    slug = "still-refused"
    status = 409


async def retry_parked(database: Database, service: Service) -> int:
    """Try the oldest parked event of every handler and key, and the next one where it is done; return how many were."""
    rows = await database.pool.fetch("select distinct subscription, handler, key from chassis.parked order by 1, 2, 3")
    queues, done = [Queue(*row) for row in rows], 0
    for start in range(0, len(queues), BATCH):
        moving = set(queues[start : start + BATCH])
        while moving and (now := await together_or_alone("parked", partial(_retry_oldest, database, service, moving))):
            done += now
    return done


async def _retry_oldest(
    database: Database,
    service: Service,
    queues: set[Queue],
    claimed: list[int],
    *,
    only: int | None = None,
    give_up: str = "",
) -> int:
    """Try the oldest event of each queue, or ``only`` one that may be no longer there; return how many are done.

    Queues in which nothing waits any more, or whose oldest event goes on waiting, are taken out.
    """
    async with unit_attempted(database, service.name) as (unit, note):
        if not await try_claim(unit.connection, "parked"):
            return 0  # another process tries them
        rows = sorted(await unit.connection.fetch(OLDEST, *zip(*queues, strict=True), PATIENCE, only), key=NUMBER)
        claimed[:] = [row["number"] for row in rows]
        works = {f"parked/{row['handler']}/{row['key']}": row["number"] for row in rows}
        lost = await note(works, claimed, comes_again=True)
        failures = await _again(unit, service, [(row["handler"], kept(row["record"])) for row in rows], give_up or lost)
        waiting = []
        for row, failure in zip(rows, failures, strict=True):
            if failure and failure.later and not row["old"]:
                waiting.append((*row[:5], failure.reason, row["parked_at"]))
            elif failure:
                vain = Rejected(f"waited in vain: {failure.reason}") if failure.later else failure.error
                await write_failures(unit, row["subscription"], [Failed(failure.handler, failure.message, vain)])
        await unit.connection.executemany(PARK_AGAIN, waiting)
    if only is None:
        queues &= {Queue(*row[:3]) for row in rows}
    queues -= {Queue(*again[:3]) for again in waiting}
    return len(rows) - len(waiting)


class ParkedWorker:
    """Tries parked events again, every few seconds, until cancelled."""

    def __init__(self, database: Database, service: Service) -> None:
        self._retry = partial(retry_parked, database, service)

    async def run(self) -> None:
        """Work until cancelled. Trouble is left to the caller, who starts again."""
        while True:
            await asyncio.sleep(EVERY)
            await self._retry()


async def retry_dead_letter(unit: Unit, service: Service, letter: UUID) -> None:
    """Try a dead letter again within a unit. It comes late: only version guards protect copies.

    Raises NotFound, and StillRefused with the reason when it is refused again.
    """
    row = await unit.connection.fetchrow(
        "select handler, record from chassis.dead_letters where id = $1 and resolved_at is null for update", letter
    )
    if row is None:
        raise NotFound
    (failed,) = await _again(unit, service, [(row["handler"], kept(row["record"]))])
    if failed:
        raise StillRefused(failed.reason)
    await resolve_dead_letter(unit, letter, "done on retry")


async def resolve_dead_letter(unit: Unit, letter: UUID, resolution: str) -> None:
    """Close a dead letter. Raises NotFound."""
    found = await unit.connection.fetchval(
        "update chassis.dead_letters set resolved_at = now(), resolution = $2 where id = $1 and resolved_at is null"
        " returning true",
        letter,
        resolution,
    )
    if not found:
        raise NotFound


async def _again(
    unit: Unit, service: Service, tried: Sequence[tuple[str, Origin]], give_up: str = ""
) -> list[Failed | None]:
    """Run what was kept through the handlers of these names once more; return of each how it failed, if it did."""
    read = [_ready(service, handler, origin, give_up) for handler, origin in tried]
    ready = [each for each in read if isinstance(each, Message)]
    failed = {id(each.message): each for each in await fold(service, unit, ready, careful=True, held=lambda *_: False)}
    return [each if isinstance(each, Failed) else failed.get(id(each)) for each in read]


def _ready(service: Service, handler_name: str, origin: Origin, give_up: str) -> Message | Failed:
    """Return the message for one handler, or why it is not to be decided."""
    message = _message(service, origin)
    handler = next((each for each in _heard(service, origin) if each.name == handler_name), None)
    if handler is None:
        gone = Handler(handler_name, lambda: None, ())
        return Failed(gone, message, Later(f"nobody called {handler_name} hears this in this release"))
    if give_up:
        return Failed(handler, message, Rejected(give_up))
    try:
        return message._replace(payload=_read(service, origin), handlers=(handler,))
    except Exception as error:  # noqa: BLE001 - reading is pure: what cannot be read, never can
        verdict = error if isinstance(error, Rejected) else Rejected(f"unreadable: {type(error).__name__}")
        return Failed(handler, message, verdict)


def _message(service: Service, origin: Origin) -> Message:
    if isinstance(origin, Record):
        return Message(None, origin.as_cause(), origin.type, origin, origin.key)
    if isinstance(origin, Intake):
        return message_of(service, origin)
    prompt, cause = origin
    key = prompt.key if isinstance(prompt, Turn) else prompt.subject
    return Message(None, cause, prompt.type, origin, key)


def _heard(service: Service, origin: Origin) -> Sequence[Handler]:
    """Return who hears what was kept."""
    if isinstance(origin, Record):
        kind = service.event_types().get(origin.type)
        return service.handlers.get(kind, ()) if kind else ()
    return service.handlers.get(_message(service, origin).type, ())


def _read(service: Service, origin: Origin) -> object:
    """Return the payload of what was kept. Raises whatever its reader raises."""
    if isinstance(origin, Record):
        return event_of(origin, service.event_types()[origin.type])
    return service.parsers[origin.kind](origin) if isinstance(origin, Intake) else origin[0]
