"""Intake: raw messages from outside are stored first and answered at once; a worker reads and decides them in turn."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from uuid import UUID

from chassis.consume.alone import together_or_alone
from chassis.consume.attempts import unit_attempted
from chassis.consume.fold import Failed, Undecided, fold
from chassis.consume.outcomes import write_failures
from chassis.database import Connection, Database
from chassis.errors import Rejected
from chassis.events.record import Cause
from chassis.events.unit import Unit
from chassis.locks import try_claim
from chassis.points import reach
from chassis.service import Intake, Message, Service
from schemas.ids import derive

BATCH = 200
POLLING = (0.05, 0.25)
"""Seconds between two looks, at first and at last, for what other processes have stored; of its own it is told."""
SUBSCRIPTION = "intake"


async def store_intake(connection: Connection, kind: str, origin: UUID | None, *bodies: bytes) -> None:
    """Store raw messages of one kind that came by one channel, in their order."""
    await connection.copy_records_to_table(
        "intake", schema_name="chassis", columns=("kind", "origin", "body"), records=[(kind, origin, b) for b in bodies]
    )
    reach("intake.stored")


async def work_off(database: Database, service: Service, most: int = BATCH) -> int:
    """Decide the oldest waiting raw messages in one transaction; return how many there were.

    Those of a kind that only another release knows wait for it.
    What cannot be read, or is refused by its decision, is a dead letter; the rest of the batch goes on. What only fails
    alone, and again, is bad data too.
    """
    return await together_or_alone("intake", partial(_work_off, database, service, most=most))


async def _work_off(
    database: Database,
    service: Service,
    claimed: list[int],
    *,
    most: int,
    only: int | None = None,
    careful: bool = False,
    give_up: str = "",
) -> int:
    try:
        async with unit_attempted(database, service.name) as (unit, note):
            if not await try_claim(unit.connection, "intake"):
                return 0  # another worker is at it, and what arrived first is to be decided first
            rows = await unit.connection.fetch(
                "select id, kind, origin, body, cause from chassis.intake"
                " where state = 0 and ($2::bigint is null or id = $2) and kind = any($3) order by id limit $1",
                most,
                only,
                list(service.parsers),
            )
            taken = [Intake(*row) for row in rows]
            claimed[:] = [intake.id for intake in taken]
            if taken:
                reach("intake.claimed")
            lost = await note("intake", claimed)
            await decide_intake(unit, service, taken, careful=careful, give_up=give_up or lost)
            if taken:
                await unit.connection.execute(
                    "update chassis.intake set state = 1 where id = any($1::bigint[])", claimed
                )
    except Undecided:
        return await _work_off(database, service, claimed, most=most, only=only, careful=True, give_up=give_up)
    return len(taken)


async def decide_intake(
    unit: Unit, service: Service, taken: Sequence[Intake], *, careful: bool, give_up: str = ""
) -> list[Failed]:
    """Read raw messages and run their decisions within a unit; failures are written there too. Raises Undecided."""
    messages: list[Message] = []
    failed: list[Failed] = []
    for intake in taken:
        message = message_of(service, intake)
        try:
            if give_up:
                raise Rejected(give_up)  # noqa: TRY301 - a verdict like the parser's own
            messages.append(message._replace(payload=service.parsers[intake.kind](intake)))
        except Exception as error:  # noqa: BLE001 - a parser is pure: what it cannot read, it never will
            verdict = error if isinstance(error, Rejected) else Rejected(f"unreadable: {type(error).__name__}")
            failed.append(Failed((message.handlers or ())[0], message, verdict))
    failed += await fold(service, unit, messages, careful=careful, held=lambda *_: False)
    failed = [f if not f.later else Failed(f.handler, f.message, Rejected(f.reason)) for f in failed]
    await write_failures(unit, SUBSCRIPTION, failed)
    return failed


def message_of(service: Service, intake: Intake) -> Message:
    """Return a raw message as it is decided, its payload not yet read."""
    cause_id = intake.cause or derive("intake", service.name, intake.id)
    cause = Cause(cause_id, cause_id, actor=f"channel:{intake.origin}" if intake.origin else "intake")
    handlers = tuple(service.handlers.get(f"intake:{intake.kind}", ()))
    return Message(None, cause, f"intake:{intake.kind}", intake, None, handlers)


class IntakeWorker:
    """Works off the intake of one service until cancelled; woken by ``wake`` and otherwise polling."""

    def __init__(self, database: Database, service: Service, wake: asyncio.Event) -> None:
        self._work, self.wake = partial(work_off, database, service), wake

    async def run(self) -> None:
        """Work until cancelled. Trouble is left to the caller, who starts again."""
        pause = POLLING[0]
        while True:
            done = await self._work()
            if done < BATCH:  # else more waits, most likely
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.wake.wait(), pause)
            self.wake.clear()
            pause = POLLING[0] if done else min(pause * 1.5, POLLING[1])
