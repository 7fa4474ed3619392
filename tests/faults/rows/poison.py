"""Bad data: broken events among five hundred good ones."""

from collections.abc import Iterable, Sequence

from chassis.consume.kept import readable
from chassis.database import Database
from chassis.events.unit import Unit, command_cause
from schemas.ids import derive
from schemas.orders import OrderChanged
from tests.faults.judge import LETTERS, everywhere, judge
from tests.faults.row import Draw, Outcome, Row
from tests.faults.stage import Stage

BATCH = 500
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


async def poison(stage: Stage, random: Draw) -> Outcome:
    """Among five hundred statements of the orders service some are broken: any, all of one key, or every one.

    The log is spoilt afterwards.
    """
    async with stage.load.running(random):
        pass
    before = await judge(stage.rig, stage.load.inputs)
    good = [OrderChanged.model_validate_json(row["body"]) for row in await stage.rig.rows("orders", LATEST)]
    bad = which(random)
    said = [good[0 if random.number % 3 == 1 else n % len(good)] for n in range(BATCH)]
    broken = await publish(stage.rig.dsn("orders"), said, bad)
    verdict = await judge(stage.rig, stage.load.inputs, len(bad) * HEARD_BY, SPOILT)
    dead = [readable(row[2]).get("record", {}).get("id") for row in await everywhere(stage.rig, LETTERS)]
    verdict.add("lost", [f"{event} is good, and was buried" for event in dead if event not in broken])
    verdict.add("stuck", before.reasons)
    return Outcome(len(bad), verdict)


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


def which(random: Draw) -> set[int]:
    """Choose the places of the broken ones: one, some, or all, first and last among them."""
    several = random.choice([1, 1, 2, 7, 40])
    if random.number % 5 == 4:
        return set(range(BATCH))
    return {random.choice([0, BATCH - 1]), *random.sample(range(BATCH), several)}


ROWS = (
    Row(
        "poison",
        "a broken event among 500: at any place, of one key, all of them",
        100,
        500,
        poison,
        unit="events",
        fresh=True,
    ),
)
