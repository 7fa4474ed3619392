"""What Kafka had is gone or comes again: the owners' logs fill every hole.

What a producer wrote to ``intake.orders`` and nobody had read yet is with Kafka alone: its producer sends it again, and
nothing else. It goes on writing over the fault, so what the new topic has is nowhere else, from its first message on.
"""

import asyncio
import shutil
from functools import partial
from pathlib import Path

from tests.faults.row import Draw, Row, under_load
from tests.faults.rows.striking import answering
from tests.faults.stage import Stage

REPUBLISH = "update chassis.cursors set sequence = 0"
BELIEVED = "update chassis.cursors c set sequence = head from chassis.counters h where h.lane = c.lane"


async def lose_kafka(stage: Stage, random: Draw) -> int:
    """All of Kafka burns down: another cluster, empty, in its place, while everything runs."""
    kafka = stage.machine.kafka
    await asyncio.sleep(random.uniform(0, 2))  # lint-skip: sleep the instant is to be any
    await asyncio.to_thread(kafka.kill)
    await stage.load.producer.lose()
    for path in (kafka.data, kafka.identity):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    await asyncio.to_thread(kafka.start)
    return 1


async def lose_tail(stage: Stage, random: Draw) -> int:
    """What Kafka has acknowledged since a moment ago is gone: its directory is set back to how it was then."""
    kafka, kept = stage.machine.kafka, stage.machine.folder / "kafka-earlier"
    await asyncio.to_thread(kafka.kill)
    stage.load.producer.keep()
    await copy_with_holes(kafka.data, kept)
    await asyncio.to_thread(kafka.start)
    async with stage.load.running(random, producing=True):
        await stage.load.probe()
    await asyncio.to_thread(kafka.kill)
    await stage.load.producer.lose()
    shutil.rmtree(kafka.data)
    kept.rename(kafka.data)
    await asyncio.to_thread(kafka.start)
    return 1


async def copy_with_holes(source: Path, target: Path) -> None:
    """Copy a directory of Kafka's, whose indexes are files of 10 MB with next to nothing in them.

    Raises FileExistsError, RuntimeError.
    """
    if target.exists():
        raise FileExistsError(target)
    copying = await asyncio.create_subprocess_exec("cp", "-a", source, target)
    if await copying.wait():
        message = f"{source} was not copied"
        raise RuntimeError(message)


async def make_topics_anew(stage: Stage, random: Draw) -> int:
    """Topics are deleted and made again while everything runs: offsets begin at zero, what was on its way is gone."""
    await asyncio.sleep(random.uniform(0, 2))  # lint-skip: sleep the instant is to be any
    await stage.rig.drop_topics()
    await stage.load.producer.lose()
    await stage.rig.make_topics()
    return 1


async def replay_everything(stage: Stage, random: Draw) -> int:
    """Every owner publishes its whole log again over the live suite."""
    for name in stage.rig.names:
        process = stage.rig.processes[name]
        await asyncio.to_thread(process.stop)
        await stage.rig.rows(name, REPUBLISH)
        await asyncio.to_thread(process.start)
    return 1


async def fill_again(stage: Stage, random: Draw) -> int:
    """A service lost its database and Kafka has nothing any more: a first fill from the owners' feeds.

    Loyalty owns the programme besides, which its operator sets again.
    """
    loyalty = stage.rig.processes["loyalty"]
    await asyncio.to_thread(loyalty.kill)
    await stage.rig.drop_topics()
    await stage.load.producer.lose()
    await stage.rig.make_topics()
    await stage.rig.drop("loyalty")
    await stage.rig.create("loyalty")
    loyalty.spawn()
    await answering(loyalty)
    tiers = {"silver": stage.load.inputs.silver, "gold": stage.load.inputs.gold}
    await stage.load.ask("loyalty", "PUT", "/v1/programme", {"rates": {"CZK": "10"}, "tiers": tiers})
    return 1


async def leave_a_gap(stage: Stage, random: Draw) -> int:
    """A relay believes published what Kafka never got: later records show a hole, or only the heads tell."""
    orders = stage.rig.processes["orders"]
    await asyncio.to_thread(orders.stop)
    orders.roles = "api,consume"
    await asyncio.to_thread(orders.start)
    async with stage.load.running(random):
        pass
    await asyncio.to_thread(orders.stop)
    await stage.rig.rows("orders", BELIEVED)
    orders.roles = "api,consume,relay"
    await asyncio.to_thread(orders.start)
    return 1


while_producing = partial(under_load, producing=True)
ROWS = (
    Row(
        "lose-kafka", "all of Kafka lost, an empty cluster in its place", 5, 20, while_producing(lose_kafka), within=100
    ),
    Row("topics-anew", "topics deleted and made anew", 5, 20, while_producing(make_topics_anew)),
    Row("lose-tail", "acknowledged tail lost: Kafka's log directory set back", 5, 20, while_producing(lose_tail)),
    Row("replay", "every topic published again in full over the live suite", 3, 10, under_load(replay_everything)),
    Row(
        "first-fill",
        "a service's database lost and filled again, topics empty",
        3,
        10,
        while_producing(fill_again),
        within=100,
    ),
    Row("gap", "a relay believes published what Kafka never got", 3, 10, under_load(leave_a_gap)),
)
