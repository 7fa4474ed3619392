"""The verdict after a fault: what the suite came to against what must be true, and what ``verify`` proves."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, NamedTuple
from uuid import UUID

from klientela.proof.finding import Finding
from klientela.proof.snapshot import QUIET
from klientela.proof.verify import all_services, prove
from tests.faults.inputs import Firm, Inputs, Truth
from tests.faults.journals import Databases, falls, unlike_the_logs
from tests.rig import Rig, until

PATIENCE = 120
LETTERS = "select handler, record, reason from chassis.dead_letters where resolved_at is null"
Place = tuple[str, int, int]
BEGINNING = Firm(0, 0, "bronze", "", starred=False, devices=0, tasks=0, opportunities=0)
"""What is true of a firm of which nothing was said."""


Kind = Literal["lost", "doubled", "inverted", "stuck"]


class Counts(NamedTuple):
    """How much was lost, doubled, applied out of order or is stuck: all four are to be zero."""

    lost: int = 0
    doubled: int = 0
    inverted: int = 0
    stuck: int = 0


@dataclass
class Verdict:
    """What was wrong, and how much of each kind."""

    counts: Counts = field(default_factory=Counts)
    reasons: list[str] = field(default_factory=list)

    def add(self, kind: Kind, reasons: Iterable[str]) -> None:
        """Count faults of a kind."""
        found = list(reasons)
        self.counts = self.counts._replace(**{kind: getattr(self.counts, kind) + len(found)})
        self.reasons += [f"{kind}: {reason}" for reason in found]

    def add_differences(self, less_and_more: tuple[list[str], list[str]]) -> None:
        """Count what a comparison found there is less of, and more."""
        self.add("lost", less_and_more[0])
        self.add("doubled", less_and_more[1])


async def judge(rig: Rig, inputs: Inputs, letters: int = 0, tolerated: Collection[str] = ()) -> Verdict:
    """Wait until the suite is at rest, then compare everything.

    ``letters`` is how many dead letters there are to be; ``tolerated`` names checks that the fault itself breaks.
    """
    verdict, loop = Verdict(), asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE
    try:  # what producers wrote to Kafka may not be read yet, which no database tells
        await until(partial(complete, rig, inputs), PATIENCE, every=0.2)
    except TimeoutError:
        verdict.add("stuck", [f"what was sent has not arrived in {PATIENCE} s"])
    await add_findings(verdict, rig, max(1, deadline - loop.time()), tolerated)
    verdict.add_differences(compare(inputs.truth(), await found(rig)))
    verdict.add("doubled", await twice(rig))
    verdict.add("inverted", await inverted(rig))
    unlike = await unlike_the_logs(rig)
    verdict.add_differences((unlike.lost, unlike.doubled))
    verdict.add("inverted", unlike.inverted)
    dead = await everywhere(rig, LETTERS)
    if len(dead) != letters:
        shown = [(name, handler, reason) for name, handler, _, reason in dead[:3]]
        verdict.add("lost", [f"{len(dead)} dead letters, not {letters}: {shown}"])
    return verdict


async def add_findings(verdict: Verdict, rig: Rig, patience: float, tolerated: Collection[str] = ()) -> None:
    """Wait until the suite is at rest, and count what ``verify`` does not find proven."""
    databases = {name: rig.dsn(name) for name in rig.names}
    findings = await prove(all_services(), databases, patience, lambda _: None)
    verdict.add("stuck", said(finding for finding in findings if finding.name == QUIET))
    verdict.add("lost", said(finding for finding in findings if finding.name not in {QUIET, *tolerated}))


async def complete(rig: Rig, inputs: Inputs) -> bool:
    """Tell whether all that was sent has arrived."""
    return not compare(inputs.truth(), await found(rig))[0]


def said(findings: Iterable[Finding]) -> Iterator[str]:
    """Return what failed, each check once."""
    return (f"verify's {finding.name}: {finding.failures[:2]}" for finding in findings if finding.failed)


def compare(should: Truth, there: Truth) -> tuple[list[str], list[str]]:
    """Name what there is less of than there should be, or otherwise, and what there is more of."""
    less: list[str] = []
    more: list[str] = []
    for ico in should.keys() | there.keys():
        wanted, got = should.get(ico, BEGINNING), there.get(ico, BEGINNING)
        for name, right, has in zip(Firm._fields, wanted, got, strict=True):
            if has != right:
                surplus = isinstance(has, int) and isinstance(right, int) and has > right
                (more if surplus else less).append(f"{name} of {ico}: {has}, not {right}")
    return less, more


async def found(rig: Rig) -> Truth:
    """Return what each firm came to from the services' tables, points from the ledger's single entries."""
    clients = await rig.rows("clients", "select id, ico, status, starred from clients")
    orders = await counts(rig, "orders", "select client_id, count(*) from orders group by client_id")
    points = await counts(rig, "loyalty", "select client_id, sum(points)::bigint from entries group by client_id")
    tiers = {row["client_id"]: row["tier"] for row in await rig.rows("loyalty", "select client_id, tier from accounts")}
    owned = "select client_id, count(*) from devices where state = 'active' group by client_id"
    devices = await counts(rig, "service-desk", owned)
    tasks = await counts(rig, "clients", "select client_id, count(*) from tasks group by client_id")
    leads = await counts(rig, "orders", "select client_id, count(*) from opportunities group by client_id")
    return {
        ico: Firm(orders[c], points[c], tiers.get(c, "bronze"), status, starred, devices[c], tasks[c], leads[c])
        for c, ico, status, starred in clients
    }


async def counts(rig: Rig, service: str, sql: str) -> Counter[UUID]:
    """Return numbers by client."""
    return Counter({row[0]: row[1] for row in await rig.rows(service, sql)})


async def everywhere(rig: Databases, sql: str) -> list[tuple[Any, ...]]:
    """Return the rows of all services, each after the service's name."""
    return [(name, *row) for name in rig.names for row in await rig.rows(name, sql)]


async def twice(rig: Databases) -> list[str]:
    """Name events that a log has twice, and firms with two clients."""
    events = await everywhere(rig, "select id from chassis.events group by id having count(*) > 1")
    return [f"{name}'s event {event}" for name, event in events] + await two_of_a_firm(rig)


async def two_of_a_firm(rig: Databases) -> list[str]:
    """Name firms with two clients."""
    rows = await rig.rows("clients", "select ico from clients where ico <> '' group by ico having count(*) > 1")
    return [f"client of {ico}" for (ico,) in rows]


async def inverted(rig: Databases) -> list[str]:
    """Name lanes in which a service followed another one's lane in another order than it was written.

    Each service's own log tells what it did in which order, and for which event of whom; so do the lines of the ledger.
    """
    logs: dict[str, dict[UUID, Place]] = {}
    told: dict[str, Sequence[Any]] = {}
    for name in rig.names:
        sql = "select lane, sequence, id, causation from chassis.events order by lane, sequence"
        told[name] = await rig.rows(name, sql)
        logs[name] = {row["id"]: (name, row["lane"], row["sequence"]) for row in told[name]}
    known = {event: place for log in logs.values() for event, place in log.items()}
    wrong: list[str] = []
    for name, rows in told.items():
        followed: dict[tuple[int, str, int], list[int]] = {}
        for row in rows:
            if place := known.get(row["causation"]):
                followed.setdefault((row["lane"], *place[:2]), []).append(place[2])
        wrong += [f"{name} in lanes {lanes}" for lanes, numbers in followed.items() if falls(numbers)]
    ledger: dict[tuple[UUID, str, str], list[int]] = {}
    for client, place in await rig.rows("loyalty", "select client_id, cause_place from entries order by number"):
        source, lane, number = place.split("/")
        ledger.setdefault((client, source, lane), []).append(int(number))
    return wrong + [f"the ledger of {account[0]}" for account, numbers in ledger.items() if falls(numbers)]
