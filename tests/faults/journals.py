"""Whether services applied what the owners' logs hold: by their journals each event once, in the order of its lane.

Most handlers converge, so that an event applied twice, never or too early may leave no other trace.
"""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from chassis.run.serve import load_service
from schemas.orders import ORDER_EVENTS

JOURNAL = (
    "select subscription, source, lane, coalesce(p.sequence, 0) as reached, a.sequence, a.incarnation, a.event"
    " from chassis.progress p full join chassis.applied a using (subscription, source, lane)"
    " order by pg_xact_commit_timestamp(a.xmin), a.sequence"
)
"""Lines in the order in which they were committed, which that of the transactions' beginnings, ``applied_at``, is not:
one of two that want a lane waits for the other. What one transaction wrote counts as written in order.
"""
LOG = "select lane, sequence, incarnation, id, type from chassis.events order by lane, sequence"
LATER = {"hear_everything": ORDER_EVENTS, "hear_news": ORDER_EVENTS}
"""What the subscriptions of ``next_release`` hear, which this release does not know."""
FROM_NOW = frozenset({"hear_news"})
"""Those that began at the heads of their day, which nobody noted: their lanes are looked at from the first line on."""


class Databases(Protocol):
    """The databases of some services."""

    @property
    def names(self) -> Sequence[str]:
        """The services' names."""

    async def rows(self, name: str, sql: str, *args: object) -> Sequence[Any]:
        """Run SQL in a service's database."""


class Line(NamedTuple):
    """An event at its place in a lane."""

    sequence: int
    incarnation: int
    event: UUID


class Unlike(NamedTuple):
    """What journals have not, have beyond the logs or once too often, and have in another order."""

    lost: list[str]
    doubled: list[str]
    inverted: list[str]


async def unlike_the_logs(databases: Databases) -> Unlike:
    """Compare all journals, up to where progress is, with the logs of those they follow; logs are read afterwards."""
    journals = {name: await databases.rows(name, JOURNAL) for name in databases.names}
    logs: dict[tuple[str, int], list[tuple[str, Line]]] = defaultdict(list)
    for owner in databases.names:
        for row in await databases.rows(owner, LOG):
            logs[owner, row["lane"]].append((row["type"], Line(row["sequence"], row["incarnation"], row["id"])))
    unlike = Unlike([], [], [])
    for name, rows in journals.items():
        lanes: dict[tuple[str, str, int, int], list[Line]] = defaultdict(list)
        for subscription, source, lane, reached, *line in rows:
            lanes[subscription, source, lane, reached] += [Line(*line)] if line[0] else []
        for (subscription, source, lane, reached), applied in lanes.items():
            types = heard_by(name, subscription)
            first = applied[0].sequence if applied else reached + 1
            begin = first if subscription in FROM_NOW else 0
            said = [line for type_, line in logs[source, lane] if type_ in types and begin <= line.sequence <= reached]
            compare_lane(unlike, f"{name}'s {subscription} of {source}/{lane}", applied, said)
    return unlike


@cache
def heard_by(name: str, subscription: str) -> Container[str]:
    """Return the types of the events that a subscription hears."""
    if subscription in LATER:
        return {event.event_type for event in LATER[subscription]}
    return load_service(name).part(subscription).event_types()


def compare_lane(unlike: Unlike, where: str, applied: Sequence[Line], said: Iterable[Line]) -> None:
    """Note what was applied of one lane otherwise than it was said."""
    mine, right = Counter(applied), Counter(said)
    unlike.lost.extend(f"{where}: {line} was never applied" for line in (right - mine).elements())
    unlike.doubled.extend(f"{where}: {line} was applied once too often" for line in (mine - right).elements())
    numbers = [line.sequence for line in applied]
    if falls(numbers):
        unlike.inverted.append(f"{where}: {numbers}")


def falls(numbers: Sequence[int]) -> bool:
    """Tell whether a number is below the one before it.

    >>> falls([1, 1, 4]), falls([1, 4, 3])
    (False, True)
    """
    return any(later < earlier for earlier, later in pairwise(numbers))
