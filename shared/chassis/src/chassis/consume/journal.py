"""The journal: every event that was applied and heard here, with a digest of its bytes, for some weeks.

It answers what progress cannot: about whom an owner has to be asked when it took numbers back, and whether a record
that repeats a number says what was said before.
"""

from collections import defaultdict
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID

import structlog

from chassis.consume.kept import keep
from chassis.consume.outcomes import DeadLetter, bury
from chassis.database import Connection, Database
from chassis.events.record import Position, Record
from chassis.events.unit import Unit
from schemas.ids import derive

PRUNED_AT_ONCE = 10_000
COLUMNS = (
    "source", "lane", "sequence", "incarnation", "event", "type", "key", "subject", "digest", "subscription",
)  # fmt: skip
IMPOSTOR = "journal"
"""In the place of a handler, in dead letters that came under the number of another event."""
KEPT_BEYOND = """
    convert_from(record, 'UTF8')::json #>> '{record,source}' = $2
    and (convert_from(record, 'UTF8')::json #>> '{record,lane}')::bigint = $3
    and (convert_from(record, 'UTF8')::json #>> '{record,sequence}')::bigint > $4
"""
APPLIED_BEYOND = "delete from chassis.applied where subscription = $1 and source = $2 and lane = $3 and sequence > $4"
PARKED_BEYOND = f"delete from chassis.parked where subscription = $1 and {KEPT_BEYOND}"  # noqa: S608 - a constant
DEAD_BEYOND = f"""
    update chassis.dead_letters set resolved_at = now(), resolution = 'taken back by its owner'
    where resolved_at is null and handler <> '{IMPOSTOR}' and subscription = $1 and {KEPT_BEYOND}
"""  # noqa: S608 - constants
log = structlog.get_logger()


class Lost(NamedTuple):
    """What a number that was taken back was about: of which type, under which key."""

    type: str
    key: UUID
    subject: UUID


def digest_of(record: Record) -> bytes:
    """Return what a record's id and bytes are known by."""
    return blake2b(record.id.bytes + record.body, digest_size=8).digest()


async def write_applied(connection: Connection, subscription: str, records: Sequence[Record]) -> None:
    """Write down what a batch applies, in its transaction."""
    if records:
        rows = [
            (r.source, r.lane, r.sequence, r.incarnation, r.id, r.type, r.key, r.subject, digest_of(r), subscription)
            for r in records
        ]
        await connection.copy_records_to_table("applied", schema_name="chassis", columns=COLUMNS, records=rows)


async def refuse_others(unit: Unit, subscription: str, repeated: Sequence[Record]) -> None:
    """Bury those records that repeat a number with another id or body than it was applied with, and raise an alarm."""
    if not repeated:
        return
    known = await unit.connection.fetch(
        "select a.lane, a.sequence, a.incarnation, a.digest from chassis.applied a"
        " join unnest($3::smallint[], $4::bigint[], $5::bigint[]) r(lane, sequence, incarnation)"
        " using (lane, sequence, incarnation) where a.subscription = $1 and a.source = $2",
        subscription,
        repeated[0].source,
        [record.lane for record in repeated],
        [record.sequence for record in repeated],
        [record.incarnation for record in repeated],
    )
    said: dict[tuple[int, int, int], set[bytes]] = defaultdict(set)
    for lane, sequence, incarnation, digest in known:
        said[lane, sequence, incarnation].add(digest)
    letters = []
    for record in repeated:
        digests = said.get((record.lane, record.sequence, record.incarnation))
        if digests and digest_of(record) not in digests:
            letters.append(_letter(record))
            log.error("a number came again with another body", source=record.source, lane=record.lane)
    await bury(unit, subscription, letters)


def _letter(record: Record) -> DeadLetter:
    letter = derive("repeated", record.source, record.lane, str(record.position), digest_of(record).hex())
    reason = f"number {record.position} of lane {record.lane} was applied with another id or body"
    return DeadLetter(letter, IMPOSTOR, record.source, record.type, keep(record), reason)


async def taken_back(connection: Connection, subscription: str, source: str, lane: int, after: int) -> list[Lost]:
    """Return what was applied beyond a number: about that, the owner is to be asked."""
    rows = await connection.fetch(
        "select distinct type, key, subject from chassis.applied"
        " where subscription = $1 and source = $2 and lane = $3 and sequence > $4 order by subject, key, type",
        subscription,
        source,
        lane,
        after,
    )
    return [Lost(*row) for row in rows]


async def last_before(
    connection: Connection, subscription: str, source: str, lane: int, incarnation: int
) -> Position | None:
    """Return the last place that was applied before an incarnation; None if the journal does not reach so far."""
    row = await connection.fetchrow(
        "select incarnation, sequence from chassis.applied where subscription = $1 and source = $2 and lane = $3"
        " and incarnation < $4 order by sequence desc limit 1",
        subscription,
        source,
        lane,
        incarnation,
    )
    return Position(*row) if row else None


async def forget_beyond(connection: Connection, place: tuple[str, str, int], had: Position, resumed: int) -> None:
    """Forget what was applied, waits parked or is a dead letter beyond a number: it never was.

    Note that the lane (subscription, source, number) was rewound. What came under a number of another is still told.
    """
    for forget in (APPLIED_BEYOND, PARKED_BEYOND, DEAD_BEYOND):
        await connection.execute(forget, *place, resumed)
    await connection.execute(
        "insert into chassis.rewinds (subscription, source, lane, incarnation, sequence, resumed, at)"
        " select $1, $2, $3, $4, $5, $6, now() + ahead from chassis.clock",
        *place,
        *had,
        resumed,
    )


async def shorten(database: Database, days: int) -> None:
    """Delete what is older than so many days, some at a time; the index by ranges of pages reads little else."""
    while await database.pool.fetchval(
        "with gone as (delete from chassis.applied where ctid = any(array(select ctid from chassis.applied"
        " where applied_at < now() - make_interval(days => $1) limit $2)) returning 1) select count(*) from gone",
        days,
        PRUNED_AT_ONCE,
    ):
        pass
