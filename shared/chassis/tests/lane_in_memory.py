"""A lane without a database: the tables of who hears it and the log of its owner, as lists, for the real code above."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from types import SimpleNamespace
from typing import Any, ClassVar, NamedTuple, cast
from uuid import UUID

import asyncpg
import httpx

from chassis.consume.attempts import Suspect
from chassis.consume.fold import Failed
from chassis.consume.journal import Lost
from chassis.consume.progress import BEGINNING, Progress
from chassis.errors import Rejected
from chassis.events.lanes import lane_of
from chassis.events.log import FeedPage, Head
from chassis.events.record import Cause, Position, Record
from chassis.events.unit import Effect, Unit, command_cause
from chassis.service import Service
from schemas.event import Event

KEY = UUID(int=1)
"""All is said of one thing, so that there is one lane."""
LANE = lane_of(KEY)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
PAGE = 3
FATES: dict[str, type[Exception]] = {
    "undone": ConnectionError,
    "slow": TimeoutError,
    "collided": asyncpg.UniqueViolationError,
    "unanswered": ConnectionError,
}
"""How a transaction may fail. A process may also have died in such a batch."""


class Said(Event):
    """What the owner says: something good, or something to be refused, or that the tables do not take."""

    event_type: ClassVar[str] = "owner.said.v1"
    id: UUID
    kind: str

    @property
    def partition_key(self) -> UUID:
        return KEY

    @property
    def subject_id(self) -> UUID:
        return self.id


class Line(NamedTuple):
    """One thing that was heard, and as which number."""

    sequence: int
    id: UUID
    kind: str


class Tables:
    """Progress, the journal, what was heard and the dead letters of one who hears the lane."""

    def __init__(self) -> None:
        self.at = BEGINNING
        self.applied: list[Record] = []
        self.heard: list[Line] = []
        self.dead: list[Record] = []
        self.asked: set[UUID] = set()
        self.fates: list[str] = []

    def kept(self) -> tuple[Any, ...]:
        return self.at, list(self.applied), list(self.heard), list(self.dead)

    def put_back(self, before: tuple[Any, ...]) -> None:
        self.at, self.applied, self.heard, self.dead = before

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator["Tables"]:
        yield self


@asynccontextmanager
async def unit_attempted(database: Any, source: str) -> AsyncIterator[tuple[Unit, Callable[..., Awaitable[str]]]]:
    tables = database.pool
    before, fate = tables.kept(), tables.fates.pop(0) if tables.fates else ""

    async def note(_: object, places: Sequence[object]) -> str:
        if fate == "died" and len(places) > 1:
            raise Suspect
        return ""

    try:
        yield Unit(tables, source, "", command_cause()), note
    except BaseException:
        tables.put_back(before)
        raise
    if fate in FATES:
        if fate != "unanswered":
            tables.put_back(before)
        raise FATES[fate](fate)


async def lock_progress(tables: Tables, *_: object) -> Progress:
    return {LANE: tables.at}


async def move_progress(tables: Tables, _: str, __: str, to: Mapping[int, Position]) -> None:
    tables.at = to.get(LANE, tables.at)


async def held_keys(*_: object) -> Callable[..., bool]:
    return lambda *_: False


async def write_applied(tables: Tables, _: str, records: Sequence[Record]) -> None:
    tables.applied += records


async def write_failures(unit: Any, _: str, failed: Sequence[Failed]) -> None:
    unit.connection.dead += [each.message.origin for each in failed]


async def taken_back(tables: Tables, _: str, __: str, ___: int, after: int) -> list[Lost]:
    return [Lost(each.type, each.key, each.subject) for each in tables.applied if each.sequence > after]


async def last_before(tables: Tables, _: str, __: str, ___: int, incarnation: int) -> Position | None:
    before = [each.position for each in tables.applied if each.incarnation < incarnation]
    return max(before, key=lambda position: position.sequence, default=None)


async def forget_beyond(tables: Tables, _: object, __: Position, resumed: int) -> None:
    """Give up what was heard beyond a number: its owner was asked about all of it, and tells it anew."""
    assert {each.subject for each in tables.applied if each.sequence > resumed} <= tables.asked
    tables.applied = [each for each in tables.applied if each.sequence <= resumed]
    tables.heard = [each for each in tables.heard if each.sequence <= resumed]
    tables.dead = [each for each in tables.dead if each.sequence <= resumed]


@dataclass
class Sheet:
    lines: list[Line]


class Sheets:
    """One list of what was heard."""

    def key(self, _: object) -> UUID:
        return KEY

    async def load(self, unit: Unit, _: Sequence[object]) -> Mapping[UUID, Sheet]:
        return {KEY: Sheet(list(cast("Any", unit.connection).heard))}

    async def save(self, unit: Unit, states: Sequence[Sheet]) -> None:
        if any(line.kind == "unsavable" for line in states[0].lines):
            raise ArithmeticError
        cast("Any", unit.connection).heard = states[0].lines


def make_reader() -> Service:
    """Make a service that hears all that is said."""
    sheets = Sheets()
    reader = Service("reader", states=(sheets,))

    @reader.on(Said, state=sheets, cause=True)
    def hear(sheet: Sheet, said: Said, *, cause: Cause) -> Iterable[Effect]:
        sheet.lines.append(Line(cause.sequence, said.id, said.kind))
        if said.kind == "refused":
            raise Rejected(said.kind)
        return ()

    return reader


class Owner:
    """The log of one lane and its feed, as the protocol has them; it can be set back."""

    def __init__(self, hears: Tables) -> None:
        self.hears, self.names = hears, count(1)
        self.log: list[Record] = []
        self.incarnations = {1: 1}
        """Where each begins that the owner knows of."""
        self.latest, self.away = 1, 0

    def write(self, kind: str) -> Record:
        event = Said(id=UUID(int=next(self.names)), kind=kind)
        self.log.append(Record(
            "owner", LANE, len(self.log) + 1, self.latest, event.id, event.event_type, KEY, event.id, 0, LONG_AGO,
            event.id, None, "", 0, "", event.model_dump_json().encode(),
        ))  # fmt: skip
        return self.log[-1]

    def set_back(self, to: int, *, before_it_began: bool) -> None:
        """Lose all beyond a number, and what began later or perhaps just there, and begin a new incarnation."""
        self.log = self.log[:to]
        last = to if before_it_began else to + 1
        self.latest += 100
        self.incarnations = {n: start for n, start in self.incarnations.items() if start <= last} | {
            self.latest: to + 1
        }

    async def page(self, _: str, __: int, after: Position) -> FeedPage:
        self._perhaps_away()
        back = [start - 1 for number, start in self.incarnations.items() if number > after.incarnation]
        resumed = min([after.sequence, *back])
        known = after.incarnation in {0, *self.incarnations}
        if records := self.log[resumed : resumed + PAGE]:
            return FeedPage(resumed, records, records[-1].position, known)
        current = max((n for n, start in self.incarnations.items() if start <= resumed + 1), default=0)
        return FeedPage(resumed, [], Position(max(after.incarnation, current), resumed), known)

    async def heads(self, _: str) -> dict[int, Head]:
        self._perhaps_away()
        return {LANE: Head(self.latest, len(self.log), len(self.log))}

    async def restate(self, _: str, lost: Iterable[Lost]) -> None:
        self._perhaps_away()
        self.hears.asked |= {each.subject for each in lost}

    def _perhaps_away(self) -> None:
        if self.away:
            self.away -= 1
            message = "away"
            raise httpx.ConnectError(message)


async def nothing(*_: object) -> None:
    """Trouble is waited out in no time, and nobody says something else under a number."""


IN_MEMORY: dict[str, dict[str, object]] = {
    "subscription": {
        "unit_attempted": unit_attempted,
        "lock_progress": lock_progress,
        "move_progress": move_progress,
        "held_keys": held_keys,
        "write_applied": write_applied,
        "write_failures": write_failures,
        "refuse_others": nothing,
        "forget_beyond": forget_beyond,
        "asyncio": SimpleNamespace(sleep=nothing),
    },
    "mending": {"read_progress": lock_progress, "taken_back": taken_back, "last_before": last_before},
}
"""By module of ``chassis.consume``, what stands in for its statements to a database."""
