"""Trying again: parked events by themselves, the oldest of each key first; dead letters when an operator says so."""

import asyncio
from functools import partial
from uuid import UUID

import structlog

from chassis.consume.fold import Failed, fold
from chassis.consume.kept import Firing, Origin, kept
from chassis.consume.outcomes import write_failures
from chassis.database import Database
from chassis.errors import BusinessError, NotFound
from chassis.events.record import Cause, Record
from chassis.events.unit import Unit, unit_of_work
from chassis.service import Handler, Intake, Message, Service
from schemas.ids import derive

EVERY = 2.0
log = structlog.get_logger()


class StillRefused(BusinessError):
    """The message is refused again, for the reason given."""

    slug = "still-refused"
    status = 409


async def retry_parked(database: Database, service: Service) -> int:
    """Try the oldest parked event of every handler and key once; return how many were done."""
    done = 0
    queues = await database.pool.fetch("select distinct subscription, handler, key from chassis.parked")
    for queue in queues:
        while await _retry_oldest(database, service, queue["subscription"], queue["handler"], queue["key"]):
            done += 1
    return done


async def _retry_oldest(database: Database, service: Service, subscription: str, handler: str, key: UUID) -> bool:
    async with unit_of_work(database, service.name) as unit:
        row = await unit.connection.fetchrow(
            "delete from chassis.parked where (subscription, handler, key, number) in (select subscription, handler, key,"
            " number from chassis.parked where subscription = $1 and handler = $2 and key = $3 order by number limit 1"
            " for update) returning record, number, reason, parked_at",
            subscription,
            handler,
            key,
        )
        if row is None:
            return False
        failed = await _again(unit, service, handler, kept(row["record"]))
        if failed and failed[0].later:
            await unit.connection.execute(
                "insert into chassis.parked (subscription, handler, key, number, record, reason, parked_at)"
                " overriding system value values ($1, $2, $3, $4, $5, $6, $7)",
                subscription, handler, key, row["number"], row["record"], failed[0].reason, row["parked_at"],
            )  # fmt: skip
            return False
        await write_failures(unit, subscription, failed)
        return True


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


async def _again(unit: Unit, service: Service, handler_name: str, origin: Origin) -> list[Failed]:
    message = _message(service, handler_name, origin)
    return await fold(service, unit, [message], careful=True, held=lambda *_: False)


def _message(service: Service, handler_name: str, origin: Origin) -> Message:
    if isinstance(origin, Record):
        kind = service.event_types()[origin.type]
        handlers = _named(service, kind, handler_name)
        return Message(
            kind.model_validate_json(origin.body), origin.as_cause(), origin.type, origin, origin.key, handlers
        )
    if isinstance(origin, Intake):
        cause_id = derive("intake", service.name, origin.id)
        cause = Cause(cause_id, cause_id, actor=f"channel:{origin.origin}")
        name = f"intake:{origin.kind}"
        payload = service.parsers[origin.kind](origin)
        return Message(payload, cause, name, origin, None, _named(service, name, handler_name))
    return _fired(service, handler_name, origin)


def _fired(service: Service, handler_name: str, firing: Firing) -> Message:
    fired, cause = firing
    name = f"timer:{fired.kind}"
    return Message(fired, cause, name, firing, fired.subject, _named(service, name, handler_name))


def _named(service: Service, kind: type | str, handler_name: str) -> tuple[Handler, ...]:
    return tuple(handler for handler in service.handlers.get(kind, ()) if handler.name == handler_name)
