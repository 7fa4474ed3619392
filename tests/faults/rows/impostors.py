"""Somebody says under an event's number and id something else than its owner said: refused, and an alarm is raised."""

from aiokafka import AIOKafkaProducer

from chassis.events.lanes import partition_of
from chassis.events.log import COLUMNS, record_of
from tests.faults.judge import LETTERS, everywhere, judge
from tests.faults.row import Draw, Outcome, Row
from tests.faults.stage import Stage
from tests.rig import until

AT_ONCE = 10
HEARD = "select 1 from chassis.applied where source = 'orders' and event = any($1)"


async def say_otherwise(stage: Stage, random: Draw) -> Outcome:
    """Ten events of the orders' log come once more on their topic, with other totals; the load goes on.

    The topics are not what their owners said afterwards.
    """
    async with stage.load.running(random):
        pass
    before = await judge(stage.rig, stage.load.inputs)
    rows = await stage.rig.rows("orders", f"select {COLUMNS} from chassis.events where type = 'orders.order_paid.v1'")  # noqa: S608 - a constant
    said = [record_of("orders", row) for row in random.sample(rows, AT_ONCE)]
    events = [record.id for record in said]
    refusals = sum([len(await stage.rig.rows(name, HEARD, events)) for name in stage.rig.names])
    topic = stage.rig.prefix + "orders"
    async with stage.load.running(random):
        async with AIOKafkaProducer(bootstrap_servers=stage.rig.bootstrap) as producer:
            partitions = len(await producer.partitions_for(topic))
            for record in said:
                lie = record.body.replace(b'"total":{"amount":"', b'"total":{"amount":"1')
                partition = partition_of(record.lane, partitions)
                await producer.send(
                    topic, lie, key=str(record.key).encode(), headers=record.headers(), partition=partition
                )
        recovery = await stage.load.probe()

    async def refused() -> bool:
        return len(await everywhere(stage.rig, LETTERS)) >= refusals > 0

    await until(refused, 60)
    verdict = await judge(stage.rig, stage.load.inputs, refusals)
    others = [(name, why) for name, handler, _, why in await everywhere(stage.rig, LETTERS) if handler != "journal"]
    verdict.add("lost", [f"{letter} is no refusal" for letter in others])
    verdict.add("stuck", before.reasons)
    return Outcome(AT_ONCE, verdict, [recovery])


ROWS = (
    Row(
        "same-id",
        "an event's id and number once more, with another body: refused, alarmed",
        10,
        50,
        say_otherwise,
        unit="events",
        fresh=True,
    ),
)
