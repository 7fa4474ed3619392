"""What becomes of messages that were not done: parked to be tried again, or dead with their bytes and the reason."""

from collections.abc import Callable, Sequence
from typing import NamedTuple
from uuid import UUID

import structlog

from chassis.consume.fold import Failed, fold
from chassis.consume.kept import keep
from chassis.errors import Rejected
from chassis.events.unit import Unit
from chassis.service import Message, Service
from schemas.ids import derive

log = structlog.get_logger()


class DeadLetter(NamedTuple):
    """One message that is bad data for one handler."""

    id: UUID
    handler: str
    source: str
    type: str
    record: bytes
    reason: str


async def held_keys(unit: Unit, subscription: str, keys: Sequence[UUID]) -> Callable[[str, UUID | None], bool]:
    """Return who waits: a test of (handler, key) for which an earlier message is parked."""
    rows = await unit.connection.fetch(
        "select distinct handler, key from chassis.parked where subscription = $1 and key = any($2::uuid[])",
        subscription,
        keys,
    )
    waiting = {(row["handler"], row["key"]) for row in rows}
    return lambda handler, key: (handler, key) in waiting


async def decide_or_bury(
    unit: Unit, service: Service, subscription: str, messages: Sequence[Message], *, careful: bool, give_up: str = ""
) -> int:
    """Run messages that nobody waits behind through their decisions; what is refused or given up is a dead letter.

    Returns how many of the decisions were refused.
    """
    if give_up:
        failed = [Failed(h, m, Rejected(give_up)) for m in messages for h in service.handlers_of(m.payload)]
    else:
        failed = await fold(service, unit, messages, careful=careful, held=lambda *_: False)
    await write_failures(unit, subscription, [Failed(f.handler, f.message, Rejected(f.reason)) for f in failed])
    return len(failed)


async def write_failures(unit: Unit, subscription: str, failed: Sequence[Failed]) -> None:
    """Park what is to be tried later and bury what is bad data, in the transaction of the batch."""
    parked = [f for f in failed if f.later]
    if parked:
        await unit.connection.copy_records_to_table(
            "parked",
            schema_name="chassis",
            columns=("subscription", "handler", "key", "record", "reason"),
            records=[(subscription, f.handler.name, f.message.key, keep(f.message.origin), f.reason) for f in parked],
        )
    dead = [_letter(f) for f in failed if not f.later]
    await bury(unit, subscription, dead)


async def bury(unit: Unit, subscription: str, letters: Sequence[DeadLetter]) -> None:
    """Write dead letters, one for each id; one that was resolved and comes again is open again, with its new reason."""
    letters = list({letter.id: letter for letter in letters}.values())
    for letter in letters:
        log.warning("dead letter", handler=letter.handler, type=letter.type, letter=str(letter.id))
    if letters:
        await unit.connection.execute(
            "insert into chassis.dead_letters (id, subscription, handler, source, type, record, reason)"
            " select l.id, $1, l.handler, l.source, l.type, l.record, l.reason"
            " from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::text[])"
            " l(id, handler, source, type, record, reason)"
            " on conflict (id) do update set resolved_at = null, resolution = null, reason = excluded.reason",
            subscription,
            *([letter[column] for letter in letters] for column in range(6)),
        )


def _letter(failed: Failed) -> DeadLetter:
    message = failed.message
    return DeadLetter(
        derive("dead-letter", failed.handler.name, message.cause.id),
        failed.handler.name,
        message.cause.source or message.type.partition(":")[0],
        message.type,
        keep(message.origin),
        failed.reason.replace("\x00", "")[:1_000],
    )
