"""Reading the event log: pages of a lane, heads, single records."""

from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from chassis.database import Connection
from chassis.events.record import Position, Record
from chassis.events.unit import EVENT_COLUMNS

COLUMNS = ", ".join(EVENT_COLUMNS)
OF_EVENT = itemgetter(*EVENT_COLUMNS)
STORED = f"{COLUMNS}, sequence <= (select c.sequence from chassis.cursors c where c.lane = e.lane) as published"  # noqa: S608 - see COLUMNS

LARGEST_PAGE = 8 * 1024 * 1024
"""Bytes of bodies after which a page takes no more: one event may have half a million of them."""
PAGE = f"""
    with asked as (
        select least($3, min(from_sequence) filter (where number > $2) - 1) as resumed,
            coalesce(bool_or(number = $2), false) or $2 = 0 as known
        from chassis.incarnations where lane = $1
    )
    select asked.resumed, asked.known, page.*,
        case when page.sequence is null then (
            select max(number) from chassis.incarnations where lane = $1 and from_sequence <= asked.resumed + 1
        ) end as current
    from asked left join lateral (
        select {COLUMNS} from (
            select *, sum(length(body)) over (order by sequence) - length(body) as before from (
                select * from chassis.events where lane = $1 and sequence > asked.resumed
                    and sequence <= (select sequence from chassis.cursors where lane = $1)
                order by sequence limit $4
            ) following
        ) counted where before < $5
    ) page on true order by page.sequence
"""  # noqa: S608 - see COLUMNS


class FeedPage(NamedTuple):
    """A page of one lane: from where reading resumed, the records, and the position reached with them.

    The log does not know the incarnation that was asked for if a backup was restored from before it began.
    """

    resumed: int
    records: list[Record]
    position: Position
    known: bool = True


class Subject(NamedTuple):
    """What events are about, and of which types they are; of any if none is named."""

    id: UUID
    types: Sequence[str] = ()


class Stored(NamedTuple):
    """A record as the database has it, which may be before its lane's cursor has reached it."""

    record: Record
    published: bool

    @property
    def place(self) -> tuple[int, datetime, int, int]:
        """Where it stands among the records of its subject."""
        return self.record.version, self.record.at, self.record.sequence, self.record.lane

    def as_json(self) -> dict[str, Any]:
        """Return the record, and whether it is published."""
        return {**self.record.as_json(), "published": self.published}


class Head(NamedTuple):
    """Where a lane stands: its last number, what of it is published, and its incarnation."""

    incarnation: int
    sequence: int
    published: int


def record_of(source: str, row: asyncpg.Record) -> Record:
    """Make a record of a row of the log."""
    return Record(source, *OF_EVENT(row))


def _stored(source: str, row: asyncpg.Record) -> Stored:
    return Stored(record_of(source, row), row["published"])


async def read_page(connection: Connection, source: str, lane: int, after: Position, limit: int) -> FeedPage:
    """Read what is published after a position of any incarnation; numbers a later one took back are resumed before.

    A page ends early where its bodies come to LARGEST_PAGE. All of it is seen at one instant, in one statement: an
    incarnation that begins between two would be taken for one that took nothing back.
    """
    rows = await connection.fetch(PAGE, lane, after.incarnation, after.sequence, limit, LARGEST_PAGE)
    first = rows[0]
    if first["sequence"] is None:
        position = Position(max(after.incarnation, first["current"] or 0), first["resumed"])
        return FeedPage(first["resumed"], [], position, first["known"])
    records = [record_of(source, row) for row in rows]
    return FeedPage(first["resumed"], records, records[-1].position, first["known"])


async def read_heads(connection: Connection) -> dict[int, Head]:
    """Return where all lanes stand."""
    rows = await connection.fetch(
        "select lane, incarnation, head, sequence from chassis.counters join chassis.cursors using (lane) order by lane"
    )
    return {row["lane"]: Head(row["incarnation"], row["head"], row["sequence"]) for row in rows}


async def read_record(connection: Connection, source: str, lane: int, sequence: int) -> Stored | None:
    """Return one record by its place, published or not."""
    row = await connection.fetchrow(
        f"select {STORED} from chassis.events e where lane = $1 and sequence = $2",  # noqa: S608 - a constant
        lane,
        sequence,
    )
    return _stored(source, row) if row else None


async def read_subject(
    connection: Connection, source: str, about: Subject, before: Sequence[Any] | None, limit: int
) -> list[Stored]:
    """Return the latest records about a subject before a place, the newest first, published or not."""
    rows = await connection.fetch(
        f"select {STORED} from chassis.events e where subject = $1"  # noqa: S608 - a constant
        " and (type = any($2::text[]) or cardinality($2::text[]) = 0)"
        " and ($4::bigint is null or (version, at, sequence, lane) < ($4, $5::timestamptz, $6::bigint, $7::bigint))"
        " order by version desc, at desc, sequence desc, lane desc limit $3",
        *about,
        limit,
        *(before or [None] * 4),
    )
    return [_stored(source, row) for row in rows]


async def count_subject(connection: Connection, about: Subject) -> int:
    """Return how many records there are about a subject."""
    return int(
        await connection.fetchval(
            "select count(*) from chassis.events where subject = $1"
            " and (type = any($2::text[]) or cardinality($2::text[]) = 0)",
            *about,
        )
    )


async def read_log(connection: Connection, source: str) -> list[Record]:
    """Return the whole log, lane by lane: for tests and small databases."""
    rows = await connection.fetch(f"select {COLUMNS} from chassis.events order by lane, sequence")  # noqa: S608 - a constant
    return [record_of(source, row) for row in rows]
