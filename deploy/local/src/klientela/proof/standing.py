"""Where the machinery of one service stands at one instant, and what of the suite is still on its way."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from chassis.consume.progress import BEGINNING
from chassis.database import Connection
from chassis.events.lanes import LANES
from chassis.events.record import Position

Heads = dict[int, Position]

HEADS = """
    select c.lane, coalesce(e.incarnation, 0) as incarnation, c.head, c.incarnation as present
    from chassis.counters c
    left join chassis.events e on e.lane = c.lane and e.sequence = c.head
"""
WAITING = """
    select parked as "parked events", intake as "raw messages in the intake", timers_due as "timers that are due",
        jobs as "lanes of jobs to do"
    from chassis.waiting
"""


class Standing(NamedTuple):
    """``heads``: each lane's last event; ``published``: up to where the relay is; ``waiting``: what is not done yet.

    ``incarnation`` is that of the log now: who stands at a number of an earlier one may have to give it up.
    """

    incarnation: int
    heads: Heads
    published: Mapping[int, int]
    progress: Mapping[tuple[str, int], Position]
    waiting: Mapping[str, int]


async def read_standing(connection: Connection, subscriptions: Sequence[str]) -> Standing:
    """Read where a service stands; all at one instant when the connection is in a snapshot.

    Of its subscriptions the one that is furthest behind counts, lane by lane.
    """
    heads = await connection.fetch(HEADS)
    cursors = await connection.fetch("select lane, sequence from chassis.cursors")
    progress = await connection.fetch(
        "select distinct on (source, lane) source, lane, incarnation, sequence from chassis.progress"
        " where subscription = any($1::text[]) order by source, lane, incarnation, sequence",
        subscriptions,
    )
    waiting = await connection.fetchrow(WAITING)
    return Standing(
        max((row["present"] for row in heads), default=0),
        {row["lane"]: Position(row["incarnation"], row["head"]) for row in heads},
        {row["lane"]: row["sequence"] for row in cursors},
        {(row["source"], row["lane"]): Position(row["incarnation"], row["sequence"]) for row in progress},
        dict(waiting or {}),
    )


async def read_present_heads(connection: Connection) -> Heads:
    """Read the last number of every lane under the incarnation that the log has now."""
    return {row["lane"]: Position(row["present"], row["head"]) for row in await connection.fetch(HEADS)}


def on_its_way(standings: Mapping[str, Standing], sources: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Say what is not done yet; ``sources`` names whom each service follows. Nothing is said of a suite at rest."""
    for name, standing in standings.items():
        for what, count in standing.waiting.items():
            if count:
                yield f"{name} has {count} {what}"
        unpublished = {
            lane: head.sequence - standing.published.get(lane, 0)
            for lane, head in standing.heads.items()
            if standing.published.get(lane, 0) < head.sequence
        }
        if unpublished:
            yield f"{name} has {sum(unpublished.values())} events to publish in {_lanes(unpublished)}"
        for source in sources[name]:
            behind = behind_in(standing, source, standings[source])
            if behind:
                yield f"{name} is {sum(behind.values())} events behind {source} in {_lanes(behind)}"


def behind_in(standing: Standing, source: str, owner: Standing) -> dict[int, int]:
    """How many events a consumer has yet to hear by lane; at least one where it holds a number that was taken back."""
    behind = {}
    for lane, head in owner.heads.items():
        at = standing.progress.get((source, lane), BEGINNING)
        taken_back = at.sequence > head.sequence and at.incarnation < owner.incarnation
        if (head.sequence and at < head) or taken_back:
            behind[lane] = max(head.sequence - at.sequence, 1)
    return behind


def beyond_heads(standing: Standing, source: str, heads: Heads) -> Iterator[str]:
    """Say where a consumer has heard what its owner's log does not have."""
    for lane in range(LANES):
        at, head = standing.progress.get((source, lane), BEGINNING), heads.get(lane, BEGINNING)
        if at.sequence > head.sequence or at.incarnation > head.incarnation:
            yield f"lane {lane} of {source} is heard up to {at}, its head is {head}"


def _lanes(found: Mapping[int, int]) -> str:
    shown = ", ".join(str(lane) for lane in sorted(found)[:5])
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""  # noqa: PLR2004 - as above
    return f"lane {shown}{more}" if len(found) == 1 else f"lanes {shown}{more}"
