"""A subscription applies batches of one source: one transaction for progress, effect, own events and outcomes."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from uuid import UUID

import structlog

from chassis.consume.attempts import Suspect, unit_attempted
from chassis.consume.fold import Failed, Undecided, fold
from chassis.consume.journal import forget_beyond, refuse_others, write_applied
from chassis.consume.outcomes import held_keys, write_failures
from chassis.consume.progress import Following, Progress, following, lock_progress, move_progress
from chassis.database import COLLISIONS, COLLISIONS_BORNE, TOO_MUCH, TROUBLE, Database
from chassis.errors import Rejected, place_of
from chassis.events.record import Position, Record, event_of
from chassis.events.unit import Unit
from chassis.points import reach
from chassis.service import MAIN, Message, Service

GivenUp = Mapping[UUID, str]
NOBODY: GivenUp = {}
PATIENT = 10
"""Troubles in a row after which it is no longer a passing one."""
log = structlog.get_logger()


class Page:
    """A page of an owner's feed for one lane: applied only if progress, once locked, still is ``after``.

    ``resumed`` is lower than ``after`` where the owner took numbers back.
    """

    def __init__(self, lane: int, after: Position, position: Position, resumed: int | None = None) -> None:
        self.lane, self.after, self.position = lane, after, position
        self.resumed = after.sequence if resumed is None else resumed

    def part(self, records: Sequence[Record], after: Position) -> "Page":
        """Return the part of the page that some records are; the first one gives up what the page does."""
        return Page(self.lane, after, records[-1].position, self.resumed if after == self.after else None)

    def rest(self, after: Position) -> "Page":
        """Return what is left of the page after its records."""
        return Page(self.lane, after, self.position, self.resumed if after == self.after else None)


class Subscription:
    """Applies what other services published to this one's database, each record once."""

    def __init__(self, database: Database, service: Service, name: str = MAIN) -> None:
        self.database, self.service, self.name = database, service.part(name), name
        self._types = self.service.event_types()

    async def apply(self, source: str, records: Sequence[Record], page: Page | None = None) -> set[int]:
        """Apply a batch, for as long as it takes; return the lanes with a hole.

        Trouble of the infrastructure is retried for ever, in smaller batches if it may be for their size. Collisions
        are repeated. What fails otherwise is tried half by half, and what a process died in record by record: the one
        that fails alone and again becomes a dead letter.
        """
        troubles = collisions = failures = too_much = 0
        given_up = NOBODY
        while True:
            hopeless = False
            try:
                return await self._apply(source, records, page, given_up)
            except TROUBLE as error:
                say = log.error if troubles > PATIENT else log.warning
                say("batch met trouble", source=source, error=type(error).__name__, at=place_of(error), before=troubles)
                await asyncio.sleep(min(0.05 * 2 ** min(troubles, 7), 5) * random.uniform(0.5, 1))  # noqa: S311
                troubles += 1
                too_much += isinstance(error, TOO_MUCH)
                hopeless = too_much > 1 and len(records) > 1
            except Suspect:
                log.error("a process died in this batch", source=source, records=len(records))  # noqa: TRY400 - no fault of ours
                return await self._in_parts(source, records, page, 1)
            except COLLISIONS:
                collisions += 1
                hopeless = collisions > COLLISIONS_BORNE
            except Exception as error:
                if given_up is not NOBODY:
                    raise
                kind, place = type(error).__name__, place_of(error)
                log.error("batch failed", source=source, records=len(records), error=kind, at=place)  # noqa: TRY400 - a traceback quotes values
                failures += 1
                hopeless = failures > 1 or len(records) > 1
            if hopeless and len(records) > 1:
                return await self._in_parts(source, records, page, (len(records) + 1) // 2)
            if hopeless:
                given_up = {record.id: "fails alone, and again" for record in records}

    async def _in_parts(self, source: str, records: Sequence[Record], page: Page | None, size: int) -> set[int]:
        holes: set[int] = set()
        after = page.after if page else Position(0, 0)
        for start in range(0, len(records), size):
            part = records[start : start + size]
            holes |= await self.apply(source, part, page.part(part, after) if page else None)
            after = part[-1].position
        if page and after != page.position:
            await self._apply(source, [], page.rest(after), NOBODY)
        return holes

    async def _apply(self, source: str, records: Sequence[Record], page: Page | None, given_up: GivenUp) -> set[int]:
        try:
            return await self._transaction(source, records, page, given_up, careful=False)
        except Undecided:
            return await self._transaction(source, records, page, given_up, careful=True)

    async def _transaction(
        self, source: str, records: Sequence[Record], page: Page | None, given_up: GivenUp, *, careful: bool
    ) -> set[int]:
        lanes = {record.lane for record in records} | ({page.lane} if page else set())
        async with unit_attempted(self.database, self.service.name) as (unit, note):
            progress = await lock_progress(unit.connection, self.name, source, sorted(lanes))
            reach("batch.progress-locked")
            if page is None:
                next_ones = following(records, progress)
            elif progress[page.lane] == page.after:
                next_ones = Following(list(records), {page.lane: page.position}, set(), [])
                if page.resumed < page.after.sequence:
                    await forget_beyond(unit.connection, (self.name, source, page.lane), page.after, page.resumed)
            else:
                return set()
            fresh = next_ones.records
            heard = self._heard(fresh)
            firsts = {f"{self.name}/{source}/{record.lane}": record.position for record in reversed(heard)}
            lost = await note(firsts, [record.position for record in heard])
            reasons = {heard[0].id: lost} if lost else given_up
            await self._effect(unit, source, fresh, next_ones.progress, reasons, careful=careful)
            await refuse_others(unit, self.name, self._heard(next_ones.repeated))
        return next_ones.holes

    async def _effect(
        self, unit: Unit, source: str, fresh: list[Record], moved: Progress, given_up: GivenUp, *, careful: bool
    ) -> None:
        messages, failed = self._read(fresh, given_up)
        if messages:
            held = await held_keys(unit, self.name, [record.key for record in fresh])
            failed += await fold(self.service, unit, messages, careful=careful, held=held)
            unit.applied = True
        await write_applied(unit.connection, self.name, self._heard(fresh))
        await write_failures(unit, self.name, failed)
        await move_progress(unit.connection, self.name, source, moved)

    def _heard(self, records: Sequence[Record]) -> list[Record]:
        return [record for record in records if record.type in self._types]

    def _read(self, records: Sequence[Record], given_up: GivenUp) -> tuple[list[Message], list[Failed]]:
        """Parse what somebody here listens to; the rest is never parsed."""
        messages: list[Message] = []
        failed: list[Failed] = []
        for record in records:
            kind = self._types.get(record.type)
            if kind is None:
                continue
            message = Message(None, record.as_cause(), record.type, record, record.key)
            try:
                if record.id in given_up:
                    raise Rejected(given_up[record.id])  # noqa: TRY301 - a verdict like any other
                messages.append(message._replace(payload=event_of(record, kind)))
            except (ValueError, Rejected) as error:
                verdict = error if isinstance(error, Rejected) else Rejected(f"unreadable: {type(error).__name__}")
                failed += [Failed(handler, message, verdict) for handler in self.service.handlers.get(kind, ())]
        return messages, failed
