"""Two tiny services: a till notes and asks, a book counts what it noted and says so, the till hears that."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from chassis.effects import SetTimer, TimerFired
from chassis.errors import Later, Rejected
from chassis.events.unit import Effect, Unit
from chassis.service import Intake, Service
from schemas.event import Event

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
TABLES = """
    create table if not exists sheet (key uuid primary key, total int not null default 0);
    create table if not exists journal
        (number bigint generated always as identity primary key, handler text, key uuid, what uuid, fired boolean);
"""


class ToyEvent(Event):
    key: UUID
    id: UUID

    @property
    def partition_key(self) -> UUID:
        return self.key

    @property
    def subject_id(self) -> UUID:
        return self.id


class Noted(ToyEvent):
    event_type: ClassVar[str] = "till.noted.v1"
    kind: str


class Asked(ToyEvent):
    event_type: ClassVar[str] = "till.asked.v1"


class Counted(ToyEvent):
    event_type: ClassVar[str] = "book.counted.v1"
    fired: bool
    total: int


@dataclass(slots=True)
class Sheet:
    """What is known of one key, and what was written about it in this batch."""

    key: UUID
    total: int
    lines: list[tuple[str, UUID, UUID, bool]] = field(default_factory=list)

    def write(self, handler: str, what: UUID, *, fired: bool = False) -> None:
        self.lines.append((handler, self.key, what, fired))


class Sheets:
    def key(self, message: Any) -> UUID:
        return message.subject if isinstance(message, TimerFired) else message.key

    async def load(self, unit: Unit, messages: Sequence[Any]) -> Mapping[Any, Sheet]:
        keys = sorted({self.key(message) for message in messages})
        await unit.connection.execute(
            "insert into sheet (key) select * from unnest($1::uuid[]) on conflict do nothing", keys
        )
        rows = await unit.connection.fetch(
            "select key, total from sheet where key = any($1::uuid[]) order by key for update", keys
        )
        return {row["key"]: Sheet(*row) for row in rows}

    async def save(self, unit: Unit, states: Sequence[Sheet]) -> None:
        await unit.connection.execute(
            "update sheet s set total = n.total from unnest($1::uuid[], $2::int[]) n(key, total) where s.key = n.key",
            [sheet.key for sheet in states],
            [sheet.total for sheet in states],
        )
        await unit.connection.copy_records_to_table(
            "journal",
            columns=("handler", "key", "what", "fired"),
            records=[line for sheet in states for line in sheet.lines],
        )


def make_till() -> Service:
    sheets = Sheets()
    till = Service("till", states=(sheets,), publishes=(Noted, Asked))

    def read_slip(intake: Intake) -> Noted:
        key, number, kind = intake.body.decode().split()
        if kind == "torn":
            raise Rejected(kind)
        return Noted(key=UUID(key), id=UUID(number), kind=kind)

    @till.intake("slip", parse=read_slip, state=sheets)
    def note(_: Sheet, slip: Noted) -> Iterable[Effect]:
        yield slip

    @till.on(Counted, state=sheets)
    def hear(sheet: Sheet, counted: Counted) -> Iterable[Effect]:
        sheet.total += 1
        sheet.write("hear", counted.id, fired=counted.fired)
        return ()

    return till


def make_book(opened: set[UUID]) -> Service:
    """Make the book; what is noted to wait does so until its key is ``opened``."""
    sheets = Sheets()
    book = Service("book", states=(sheets,), publishes=(Counted,))

    @book.on(Noted, state=sheets)
    def count(sheet: Sheet, noted: Noted) -> Iterable[Effect]:
        sheet.total += 1
        sheet.write("count", noted.id)
        if noted.kind == "poison":
            raise Rejected(noted.kind)
        if noted.kind == "broken":
            raise ArithmeticError(noted.kind)
        if noted.kind == "wait" and noted.key not in opened:
            raise Later(noted.kind)
        yield Counted(key=sheet.key, id=noted.id, fired=False, total=sheet.total)
        if noted.kind == "ring":
            yield SetTimer("bell", noted.id, LONG_AGO, noted.key)

    @book.on(Asked, state=sheets, once=True)
    def grant(sheet: Sheet, asked: Asked) -> Iterable[Effect]:
        sheet.write("grant", asked.id)
        return ()

    @book.timer("bell", state=sheets)
    def ring(sheet: Sheet, fired: TimerFired) -> Iterable[Effect]:
        sheet.total += 1
        yield Counted(key=fired.subject, id=fired.subject, fired=True, total=sheet.total)

    return book
