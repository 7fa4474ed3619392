"""Trying again: parked events by themselves, the oldest of each key first; dead letters when an operator says so."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
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
from chassis.service import Handler, Intake, Message, Service

EVERY = 2.0
PATIENCE = timedelta(hours=1)
"""After that, what still cannot be decided is a dead letter: nobody waits for ever."""


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
    """Try the oldest parked event of every handler and key once; return how many were done."""
    done = 0
    queues = await database.pool.fetch("select distinct subscription, handler, key from chassis.parked")
    for queue in queues:
        while await together_or_alone("parked", partial(_retry_oldest, database, service, Queue(*queue))):
            done += 1
    return done


async def _retry_oldest(
    database: Database,
    service: Service,
    queue: Queue,
    claimed: list[int],
    *,
    only: int | None = None,
    give_up: str = "",
) -> int:
    """Try the oldest event of a queue, or ``only`` one that may be no longer there; return how many are done."""
    async with unit_attempted(database, service.name) as (unit, note):
        row = await unit.connection.fetchrow(
            # materialized: a plan that asks a subquery again for every row would delete one after the other, unseen
            "with oldest as materialized (select number from chassis.parked where subscription = $1 and handler = $2"
            " and key = $3 and number = coalesce($5, number) order by number limit 1 for update)"
            " delete from chassis.parked p using oldest"
            " where (p.subscription, p.handler, p.key, p.number) = ($1, $2, $3, oldest.number)"
            " returning p.record, p.number, p.reason, p.parked_at, p.parked_at < now() - $4::interval as old",
            *queue,
            PATIENCE,
            only,
        )
        if row is None:
            return 0
        claimed[:] = [row["number"]]
        lost = await note(f"parked/{queue.handler}/{queue.key}", [row["number"]], comes_again=True)
        failed = await _again(unit, service, queue.handler, kept(row["record"]), give_up or lost)
        if failed and failed[0].later and row["old"]:
            failed = [Failed(failed[0].handler, failed[0].message, Rejected(f"waited in vain: {failed[0].reason}"))]
        elif failed and failed[0].later:
            await unit.connection.execute(
                "insert into chassis.parked (subscription, handler, key, number, record, reason, parked_at)"
                " overriding system value values ($1, $2, $3, $4, $5, $6, $7)",
                *queue, row["number"], row["record"], failed[0].reason, row["parked_at"],
            )  # fmt: skip
            return 0
        await write_failures(unit, queue.subscription, failed)
        return 1


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
    failed = await _again(unit, service, row["handler"], kept(row["record"]))
    if failed:
        raise StillRefused(failed[0].reason)
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


async def _again(unit: Unit, service: Service, handler_name: str, origin: Origin, give_up: str = "") -> list[Failed]:
    message = _message(service, origin)
    handler = next((each for each in _heard(service, origin) if each.name == handler_name), None)
    if handler is None:
        gone = Handler(handler_name, lambda: None, ())
        return [Failed(gone, message, Later(f"nobody called {handler_name} hears this in this release"))]
    try:
        if give_up:
            raise Rejected(give_up)  # noqa: TRY301 - a verdict like the reader's own
        payload = _read(service, origin)
    except Exception as error:  # noqa: BLE001 - reading is pure: what cannot be read, never can
        verdict = error if isinstance(error, Rejected) else Rejected(f"unreadable: {type(error).__name__}")
        return [Failed(handler, message, verdict)]
    message = message._replace(payload=payload, handlers=(handler,))
    return await fold(service, unit, [message], careful=True, held=lambda *_: False)


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
