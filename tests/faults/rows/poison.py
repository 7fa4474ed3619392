"""Bad data: broken events among five hundred good ones, and everything that is no message at every door."""

import orjson
from pydantic_core import SchemaSerializer

from chassis.consume.kept import readable
from chassis.database import Database
from chassis.events.unit import unit_of_work
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
BROKEN = """select id from chassis.events where body like '%"a lot"%'::bytea"""
SPOILT = {"orders.log-readable", "orders.versions-rise", "orders.order-is-as-its-last-event-says"}
"""What is no longer true of a log into which somebody wrote by hand."""
RESOLVED = "update chassis.dead_letters set resolved_at = now(), resolution = 'of a test' where resolved_at is null"


class Broken(OrderChanged):
    """An event of the right type whose bytes say something else."""

    def model_dump_broken(self) -> bytes:
        return orjson.dumps({"order": {"id": str(self.subject_id), "total": "a lot"}})


class Scrambled:
    """Writes a broken event's bytes in place of pydantic."""

    def __init__(self, proper: SchemaSerializer) -> None:
        self.proper = proper

    def to_json(self, event: Broken) -> bytes:
        return event.model_dump_broken()


Broken.__pydantic_serializer__ = Scrambled(Broken.__pydantic_serializer__)  # type: ignore[assignment]


async def poison(stage: Stage, random: Draw) -> Outcome:
    """Among five hundred statements of the orders service some are broken: any, all of one key, or every one.

    The log is spoilt afterwards.
    """
    async with stage.load.running(random):
        pass
    before = await judge(stage.rig, stage.load.inputs)
    good = [OrderChanged.model_validate_json(row["body"]) for row in await stage.rig.rows("orders", LATEST)]
    bad = which(random)
    database = Database(stage.rig.dsn("orders"), size=4)
    await database.open()
    async with unit_of_work(database, "orders") as unit:
        for n in range(BATCH):
            said = good[0 if random.number % 3 == 1 else n % len(good)]
            unit.publish(Broken(order=said.order) if n in bad else said)
    await database.close()
    verdict = await judge(stage.rig, stage.load.inputs, len(bad) * HEARD_BY, SPOILT)
    broken = {str(row["id"]) for row in await stage.rig.rows("orders", BROKEN)}
    dead = [readable(row[2]).get("record", {}).get("id") for row in await everywhere(stage.rig, LETTERS)]
    verdict.add("lost", [f"{event} is good, and was buried" for event in dead if event not in broken])
    verdict.add("stuck", before.reasons)
    return Outcome(len(bad), verdict)


def which(random: Draw) -> set[int]:
    """Choose the places of the broken ones: one, some, or all, first and last among them."""
    several = random.choice([1, 1, 2, 7, 40])
    if random.number % 5 == 4:
        return set(range(BATCH))
    return {random.choice([0, BATCH - 1]), *random.sample(range(BATCH), several)}


ROWS = (Row("poison", "a broken event among 500: at any place, of one key, all of them", 100, 500, poison, fresh=True),)
