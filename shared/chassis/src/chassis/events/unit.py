"""The unit of work: state first, events last, one transaction.

Events are numbered per lane under counters that stay locked until commit, in the order of lanes; nothing is locked
after them. So numbers are gapless, in commit order, and nobody can see 8 before 7.
"""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import asyncpg

from chassis.database import Connection, Database
from chassis.effects import CancelTimer, SetTimer, StartJob
from chassis.errors import EventTooLarge
from chassis.events.incarnations import IdentityChanged, TryAgain, begin_incarnation
from chassis.events.jobs import explain_jobs, start_jobs
from chassis.events.lanes import lane_of
from chassis.events.partitions import ensure_partitions
from chassis.events.record import Cause
from chassis.events.timers import explain_timers, write_timers
from chassis.points import reach
from schemas.event import Event
from schemas.ids import derive

LARGEST_EVENT = 512 * 1024
MOST_HOPS = 16

Effect = Event | SetTimer | CancelTimer | StartJob
"""What a decision may yield."""

EVENT_COLUMNS = (
    "lane", "sequence", "incarnation", "id", "type", "key", "subject", "version", "at", "correlation", "causation",
    "cause_place", "hops", "actor", "body",
)  # fmt: skip

MOVE_COUNTERS = """
    with locked as materialized (
        select lane from chassis.counters where lane = any($1::smallint[]) order by lane for update
    )
    update chassis.counters c set head = c.head + n.events
    from unnest($1::smallint[], $2::bigint[]) n(lane, events) join locked using (lane), chassis.clock
    where c.lane = n.lane
    returning c.lane, c.head - n.events as head, c.incarnation, c.identity, now() + ahead as at
"""
"""Who moves counters has locked all of them before, in the order of lanes, as everybody does."""


class Pending(NamedTuple):
    """An event that waits for its number."""

    lane: int
    id: UUID
    event: Event
    cause: Cause
    body: bytes


class PartitionMissing(TryAgain):
    """The log had no room for the next numbers: a partition was made, the same work is to be tried again."""


class Asked(NamedTuple):
    """A timer or a job as it was asked for; ``told`` counts the unit's events up to the one told with it, or is 0."""

    effect: Any
    cause: Cause
    told: int


class TooManyHops(Exception):
    """An event caused by fifteen others in a row causes no more: rules chase each other."""


def _pending(event_id: UUID, event: Event, cause: Cause) -> Pending:
    body = event.__pydantic_serializer__.to_json(event)
    if len(body) > LARGEST_EVENT:
        raise EventTooLarge
    return Pending(lane_of(event.partition_key), event_id, event, cause, body)


def command_cause(actor: str = "", correlation: UUID | None = None) -> Cause:
    """Return the cause of what a person or a program asks for."""
    command = uuid4()
    return Cause(command, correlation or command, "", 0, 0, 0, actor)


class Unit:
    """One transaction of one service: ``connection`` for its state, ``publish`` for what happened.

    ``identity`` names the database: under another one, what was read before may never have been. ``applied`` says
    that events of others were decided in it, whether anything was told of that or not.
    """

    def __init__(self, connection: Connection, source: str, identity: str, cause: Cause) -> None:
        self.connection, self.source, self.cause, self.identity = connection, source, cause, identity
        self.applied = False
        self._events: list[Pending] = []
        self._timers: list[Asked] = []
        self._timers_written = 0
        self._jobs: dict[str, Asked] = {}
        self._said: dict[tuple[UUID, str], int] = {}
        self._now: datetime | None = None

    async def now(self) -> datetime:
        """Business time: the database clock plus the offset that only test set-ups move; fixed within the unit."""
        if self._now is None:
            self._now = await self.connection.fetchval("select now() + ahead from chassis.clock")
        if self._now is None:
            message = "chassis.clock is empty"
            raise RuntimeError(message)
        return self._now

    def publish(self, *effects: Effect, cause: Cause | None = None, handler: str = "") -> None:
        """Write effects when the unit ends. Ids of events follow from cause, handler and count.

        Raises EventTooLarge over 512 kB and TooManyHops at the sixteenth hop.
        """
        cause = cause or self.cause
        events = [effect for effect in effects if isinstance(effect, Event)]
        if events and cause.hops >= MOST_HOPS:
            raise TooManyHops(events[0].event_type)
        said = self._said.get((cause.id, handler), 0)
        self._said[cause.id, handler] = said + len(events)
        self._events += [
            _pending(derive(cause.id, handler, event.event_type, n), event, cause)
            for n, event in enumerate(events, start=said)
        ]
        told = len(self._events) if events else 0
        asked = [Asked(effect, cause, told) for effect in effects if not isinstance(effect, Event)]
        self._timers += [each for each in asked if not isinstance(each.effect, StartJob)]
        self._jobs |= {each.effect.kind: each for each in asked if isinstance(each.effect, StartJob)}

    async def write_timers(self) -> None:
        """Write the timers asked for so far: for who has to lock a job, which comes after them."""
        asked, self._timers_written = self._timers[self._timers_written :], len(self._timers)
        if asked:
            await write_timers(self.connection, [(each.effect, each.cause) for each in asked])

    async def finish(self) -> bool:
        """Write timers and jobs, then number and write the events; tell whether there were any.

        Every unit locks in this order: states, timers, jobs, counters. Nothing is locked afterwards.
        """
        await self.write_timers()
        if self._jobs:
            await start_jobs(self.connection, [(each.effect, each.cause) for each in self._jobs.values()])
        if not self._events:
            return False
        heads, incarnation, at = await self._move_counters()
        rows = self._number(heads, incarnation, at)
        try:
            await self.connection.copy_records_to_table(
                "events", schema_name="chassis", columns=EVENT_COLUMNS, records=rows
            )
        except asyncpg.CheckViolationError as error:
            raise PartitionMissing from error
        await self._explain(rows, incarnation, at)
        reach("events.written")
        return True

    async def _explain(self, rows: Sequence[tuple[Any, ...]], incarnation: int, at: datetime) -> None:
        """Give timers and jobs the event that was told with them as their cause, now that its place is known."""

        def explained(asked: Asked) -> tuple[Any, Cause]:
            (lane, sequence), (_, event_id, _, cause, _) = rows[asked.told - 1][:2], self._events[asked.told - 1]
            place = (self.source, lane, sequence, cause.hops + 1, cause.actor, incarnation, at)
            return asked.effect, Cause(event_id, cause.correlation, *place)

        timers = [explained(each) for each in self._timers if each.told and isinstance(each.effect, SetTimer)]
        jobs = [explained(each) for each in self._jobs.values() if each.told]
        if timers:
            await explain_timers(self.connection, timers)
        if jobs:
            await explain_jobs(self.connection, jobs)

    async def _move_counters(self) -> tuple[dict[int, int], int, datetime]:
        """Lock the counters of the events' lanes and move them beyond; return where they were."""
        numbers = Counter(pending.lane for pending in self._events)
        rows = await self.connection.fetch(MOVE_COUNTERS, list(numbers), list(numbers.values()))
        reach("counters.locked")
        if not rows or any(row["identity"] != self.identity for row in rows):
            raise IdentityChanged
        return {row["lane"]: row["head"] for row in rows}, rows[0]["incarnation"], rows[0]["at"]

    def _number(self, heads: dict[int, int], incarnation: int, at: datetime) -> Sequence[tuple[Any, ...]]:
        rows = []
        for lane, event_id, event, cause, body in self._events:
            heads[lane] += 1
            rows.append((
                lane, heads[lane], incarnation, event_id, event.event_type, event.partition_key, event.subject_id,
                event.subject_version, at, cause.correlation, cause.id, cause.place, cause.hops, cause.actor, body,
            ))  # fmt: skip
        return rows


@asynccontextmanager
async def unit_of_work(database: Database, source: str, cause: Cause | None = None) -> AsyncIterator[Unit]:
    """Open a unit of work; leaving it without an error commits all of it together."""
    async with database.pool.acquire() as connection:
        try:
            async with connection.transaction():
                unit = Unit(connection, source, database.identity, cause or command_cause())
                yield unit
                wrote = await unit.finish()
                if wrote or unit.applied:
                    reach("commit.before")
        except IdentityChanged:
            await begin_incarnation(connection, database.identity)
            raise
        except PartitionMissing:
            await ensure_partitions(connection)
            raise
        if wrote or unit.applied:
            reach("commit.after")
    if wrote:
        database.committed.set()
