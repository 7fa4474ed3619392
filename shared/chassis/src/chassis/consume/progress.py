"""How far a subscription has come in the lanes of a source, and which records of a batch are next."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from chassis.database import Connection
from chassis.events.lanes import LANES
from chassis.events.record import Position, Record

Progress = dict[int, Position]
BEGINNING = Position(0, 0)


class Following(NamedTuple):
    """The part of a batch that may be applied now, where that leads, lanes with a hole, and what repeats a number."""

    records: list[Record]
    progress: Progress
    holes: set[int]
    repeated: list[Record]


def following(records: Iterable[Record], progress: Mapping[int, Position]) -> Following:
    """Pick what follows. Lower or equal: done, dropped. One higher: next. Anything else is a hole of its lane."""
    at = dict(progress)
    fresh: list[Record] = []
    holes: set[int] = set()
    repeated: list[Record] = []
    for record in records:
        here = at[record.lane]
        if record.position <= here:
            repeated.append(record)
        if record.lane in holes or record.position <= here:
            continue
        first = here == BEGINNING and record.sequence == 1
        if first or (record.incarnation == here.incarnation and record.sequence == here.sequence + 1):
            fresh.append(record)
            at[record.lane] = record.position
        else:
            holes.add(record.lane)
    moved = {lane: position for lane, position in at.items() if position != progress[lane]}
    return Following(fresh, moved, holes, repeated)


async def begin_progress(
    connection: Connection, subscription: str, sources: Sequence[str], at: Mapping[int, Position] | None = None
) -> None:
    """Make the rows of a subscription that are not there yet: where lanes are ``at``, else at their very beginning.

    It waits for no batch that moves a row: a conflict with one would, until its process ends or is cut off.
    """
    positions = [(at or {}).get(lane, BEGINNING) for lane in range(LANES)]
    await connection.execute(
        "insert into chassis.progress (subscription, source, lane, incarnation, sequence)"
        " select $1, source.name, begins.* from unnest($2::text[]) as source(name),"
        " unnest($3::smallint[], $4::bigint[], $5::bigint[]) as begins(lane, incarnation, sequence)"
        " where not exists ("
        " select from chassis.progress p where (p.subscription, p.source, p.lane) = ($1, source.name, begins.lane))"
        " order by source.name, begins.lane on conflict do nothing",
        subscription,
        sources,
        list(range(LANES)),
        [position.incarnation for position in positions],
        [position.sequence for position in positions],
    )


async def lock_progress(connection: Connection, subscription: str, source: str, lanes: Sequence[int]) -> Progress:
    """Lock the rows of lanes in their order and return where they stand."""
    rows = await connection.fetch(
        "select lane, incarnation, sequence from chassis.progress"
        " where subscription = $1 and source = $2 and lane = any($3::smallint[]) order by lane for update",
        subscription,
        source,
        sorted(lanes),
    )
    return {row["lane"]: Position(row["incarnation"], row["sequence"]) for row in rows}


async def read_progress(connection: Connection, subscription: str, source: str) -> Progress:
    """Return where all lanes of a source stand, without locking."""
    rows = await connection.fetch(
        "select lane, incarnation, sequence from chassis.progress where subscription = $1 and source = $2",
        subscription,
        source,
    )
    return {row["lane"]: Position(row["incarnation"], row["sequence"]) for row in rows}


async def move_progress(connection: Connection, subscription: str, source: str, to: Mapping[int, Position]) -> None:
    """Write where lanes stand now, in the transaction of the effect."""
    if to:
        await connection.execute(
            "update chassis.progress p set incarnation = n.incarnation, sequence = n.sequence"
            " from unnest($3::smallint[], $4::bigint[], $5::bigint[]) n(lane, incarnation, sequence)"
            " where p.subscription = $1 and p.source = $2 and p.lane = n.lane",
            subscription,
            source,
            list(to),
            [position.incarnation for position in to.values()],
            [position.sequence for position in to.values()],
        )
