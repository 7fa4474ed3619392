"""Releases rolled out and back beside each other, a subscription filled again from nothing, topics that grow."""

import asyncio

from chassis.run.topics import ensure_topics
from tests.faults.judge import judge
from tests.faults.row import Draw, NotStruck, Outcome, Row, under_load, work_unharmed
from tests.faults.rows.striking import PATIENCE, roll, second, until_struck
from tests.faults.stage import Stage
from tests.rig import SERVICES, until

NEXT, MORE = "tests.faults.next_release", b'"is_gift"'
"""The next release, and the field that its orders say more."""
FORGET = (
    "with journal as (delete from chassis.applied where subscription = 'hear_everything'),"
    " filled as (delete from heard where handler = 'everything')"
    " delete from chassis.progress where subscription = 'hear_everything'"
)
FILLING = "select 1 from chassis.progress where subscription = 'hear_everything' and sequence > 0 limit 1"
BEHIND = (
    "select 1 from chassis.progress m join chassis.progress n using (source, lane)"
    " where m.subscription = 'main' and n.subscription = any($1) and n.sequence < m.sequence and source = 'orders'"
)
WITHIN = (0.5, 0.2, 0.1, 0.05, 0, 0, 0, 0)
"""Seconds within which a subscription that is filled anew is killed, one attempt after the other."""
ROLLED = ("loyalty", "orders")
RELEASES = r"select distinct position($2 in body) > 0 from chassis.events where at > $1 and type like 'orders.order\_%'"
NEWS_KNOWN = "select exists (select 1 from chassis.progress where subscription = 'hear_news')"
HEARD = "select event from heard where handler = $1"
SAID = "select id, at from chassis.events where type like 'orders.order\\_%' order by id"


async def roll_out_and_back(stage: Stage, random: Draw) -> Outcome:
    """A release is rolled out, back, and out again while orders come in, always beside the one that it replaces.

    Loyalty's next release has handlers more, that of orders says a field more, which all others pass over.
    """
    unlike = await work_unharmed(stage, random)
    ((before,),) = await stage.rig.rows("orders", "select now()")
    ((known,),) = await stage.rig.rows("loyalty", NEWS_KNOWN)
    async with stage.load.running(random):
        await roll_beside(stage, NEXT)
        ((after,),) = await stage.rig.rows("orders", "select now()")
        for module in ("chassis", NEXT):
            await roll_beside(stage, module)
        recovery = await stage.load.probe()
    verdict = await judge(stage.rig, stage.load.inputs)
    verdict.add("stuck", unlike)
    await until_equal(stage)
    events = await stage.rig.rows("orders", SAID)
    heard = {(row["handler"], row["event"]) for row in await stage.rig.rows("loyalty", "select * from heard")}
    verdict.add("lost", [f"{event} was never heard" for event, _ in events if ("everything", event) not in heard])
    verdict.add("lost", [f"{event} was no news" for event, at in events if at > after and ("news", event) not in heard])
    old = [f"{event} was no news any more" for event, at in events if at < before and ("news", event) in heard]
    verdict.add("doubled", [] if known else old)  # a later run finds the subscription where the one before left it
    for name in ROLLED:
        await roll(stage.rig.processes[name], "chassis")
    return Outcome(1, verdict, [recovery])


async def roll_beside(stage: Stage, module: str) -> None:
    """Bring in another release beside the one that runs; when both have worked for a while, the old one makes room.

    Raises NotStruck if not both have said anything of orders meanwhile.
    """
    ((began,),) = await stage.rig.rows("orders", "select now()")

    async def both() -> bool:
        return len(await stage.rig.rows("orders", RELEASES, began, MORE)) > 1

    async with second(stage, *ROLLED, module=module):
        await stage.load.probe()
        await until_struck(both, "one release alone was at work")
        for name in ROLLED:
            await roll(stage.rig.processes[name], module)


async def rebuild(stage: Stage, random: Draw) -> Outcome:
    """A subscription forgets all and is filled again beside the live one, which goes on; it is killed on its way."""
    loyalty = stage.rig.processes["loyalty"]
    await roll(loyalty, NEXT)
    async with stage.load.running(random):
        await stage.load.probe()
        for longest in WITHIN:
            if await killed_on_its_way(stage, random.uniform(0, longest)):
                break
        else:
            message = "it was filled each time before it could be killed"
            raise NotStruck(message)
        await asyncio.to_thread(loyalty.start)
        recovery = await stage.load.probe()
    verdict = await judge(stage.rig, stage.load.inputs)
    await until_equal(stage)
    events = {row["id"] for row in await stage.rig.rows("orders", SAID)}
    heard = {row["event"] for row in await stage.rig.rows("loyalty", HEARD, "everything")}
    verdict.add("lost", [f"{event} was never heard again" for event in events - heard])
    verdict.add("doubled", [f"{event} was never said" for event in heard - events])
    await roll(loyalty, "chassis")
    return Outcome(1, verdict, [recovery])


async def killed_on_its_way(stage: Stage, seconds: float) -> bool:
    """Have a subscription forget all, kill loyalty so long after it began anew; tell whether it was still behind."""
    loyalty = stage.rig.processes["loyalty"]
    await asyncio.to_thread(loyalty.stop)
    await stage.rig.rows("loyalty", FORGET)
    loyalty.spawn()

    async def begun() -> bool:
        return bool(await stage.rig.rows("loyalty", FILLING))

    await until(begun, PATIENCE, every=0.01)
    await asyncio.sleep(seconds)  # lint-skip: sleep the instant is to be any
    await asyncio.to_thread(loyalty.kill)
    return bool(await stage.rig.rows("loyalty", BEHIND, ["hear_everything"]))


async def until_equal(stage: Stage) -> None:
    """Wait until the new subscriptions have come as far as the old one."""

    async def equal() -> bool:
        return not await stage.rig.rows("loyalty", BEHIND, ["hear_everything", "hear_news"])

    await until(equal, 60)


async def grow_topics(stage: Stage, random: Draw) -> int:
    """All topics grow from 12 to 24 to 48 partitions while everything runs."""
    topics = [stage.rig.prefix + name for name in SERVICES]
    for partitions in (24, 48):
        await ensure_topics(stage.rig.bootstrap, topics, partitions, 1, grow=True)
        async with stage.load.running(random):
            await stage.load.probe()
    return 1


ROWS = (
    Row(
        "roll-out",
        "new handlers and a new field rolled out, back and out again, old and new side by side, events in flight",
        3,
        10,
        roll_out_and_back,
    ),
    Row("rebuild", "a subscription filled again from nothing beside the live one, killed on its way", 3, 10, rebuild),
    Row("grow", "topics grow from 12 to 24 to 48 partitions", 3, 10, under_load(grow_topics), fresh=True),
)
