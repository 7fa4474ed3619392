"""Bad data: broken events among five hundred good ones."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from chassis.consume.kept import readable
from chassis.database import Database
from chassis.events.unit import Unit, command_cause
from schemas.ids import derive
from schemas.orders import OrderChanged
from tests.faults.judge import LETTERS, everywhere, judge
from tests.faults.row import Draw, Outcome, Row
from tests.faults.stage import Stage

BATCH, CASES = 500, 10
KINDS = {"one": 4, "several": 3, "of one key": 2, "all": 1}
"""What is broken in a case, and how often each kind is drawn among others."""
HEARD_BY = 5
"""How many handlers hear of an order that changed: each has a dead letter of a broken one."""
LATEST = (
    "select distinct on (subject) body from chassis.events where type like 'orders.order\\_%'"
    " order by subject, version desc limit 50"
)
BREAK = """update chassis.events set body = '{"order": {"total": "a lot"}}' where id = any($1)"""
SPOILT = {"orders.log-readable", "orders.versions-rise", "orders.order-is-as-its-last-event-says"}
"""What is no longer true of a log into which somebody wrote by hand."""
RESOLVED = "update chassis.dead_letters set resolved_at = now(), resolution = 'of a test' where resolved_at is null"


class Case(NamedTuple):
    """Five hundred statements: which are broken, and whether all are of one order, or of fifty."""

    kind: str
    bad: frozenset[int]

    @property
    def one_key(self) -> bool:
        """Whether all are of one key."""
        return self.kind == "of one key"


async def poison(stage: Stage, random: Draw) -> Outcome:
    """One case after the other is published at the orders service, each when the one before is all dead letters.

    The log is spoilt afterwards.
    """
    async with stage.load.running(random):
        pass
    before = await judge(stage.rig, stage.load.inputs)
    good = [OrderChanged.model_validate_json(row["body"]) for row in await stage.rig.rows("orders", LATEST)]
    drawn, broken = cases(random), set[str]()
    for case in drawn:
        said = [good[0 if case.one_key else n % len(good)] for n in range(BATCH)]
        broken |= await publish(stage.rig.dsn("orders"), said, case.bad)
        await stage.rig.settle()
    verdict = await judge(stage.rig, stage.load.inputs, len(broken) * HEARD_BY, SPOILT)
    dead = [readable(row[2]).get("record", {}).get("id") for row in await everywhere(stage.rig, LETTERS)]
    verdict.add("lost", [f"{event} is good, and was buried" for event in dead if event not in broken])
    verdict.add("stuck", before.reasons)
    return Outcome(len(drawn), verdict, struck=[f"{case.kind}, first at {min(case.bad)}" for case in drawn])


async def publish(dsn: str, events: Sequence[OrderChanged], bad: Iterable[int]) -> set[str]:
    """Publish events of orders in one transaction, those at the bad places with bytes that say something else.

    Returns the ids of these.
    """
    database = Database(dsn, size=4)
    await database.open()
    async with database.pool.acquire() as connection, connection.transaction():
        unit = Unit(connection, "orders", database.identity, command_cause())
        unit.publish(*events)
        await unit.finish()
        broken = [derive(unit.cause.id, "", OrderChanged.event_type, n) for n in bad]
        await connection.execute(BREAK, broken)
    await database.close()
    return set(map(str, broken))


def cases(random: Draw) -> list[Case]:
    """Draw the cases of a run; a short one has one of each kind."""
    kinds = list(KINDS) if random.short else random.choices(list(KINDS), list(KINDS.values()), k=CASES)
    return [Case(kind, which(random, kind)) for kind in kinds]


def which(random: Draw, kind: str) -> frozenset[int]:
    """Choose the places of the broken ones: any, of some the first or the last one with them."""
    if kind == "all":
        return frozenset(range(BATCH))
    if kind == "one":
        return frozenset({random.randrange(BATCH)})
    return frozenset({random.choice([0, BATCH - 1]), *random.sample(range(BATCH), random.choice([1, 2, 7, 40]))})


ROWS = (
    Row(
        "poison",
        "broken events among 500: one at any place, several, of one key, all of them",
        100,
        500,
        poison,
        unit="cases",
        fresh=True,
    ),
)
