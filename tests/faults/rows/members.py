"""Members of a group come, go, freeze and thaw; two relays and two schedulers are at work at once; clocks are wrong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from chassis.consume.feed_client import FeedClient
from chassis.consume.lane_consumer import LaneConsumer
from chassis.consume.mending import Mender
from chassis.consume.subscription import Subscription
from chassis.consume.topic_reader import TopicReader
from chassis.database import Database
from chassis.run.serve import load_service
from klientela.ports import free_ports
from tests.faults.row import Draw, Row, under_load
from tests.faults.stage import Stage
from tests.rig import Rig, ServiceUnderTest, until

CLOCK = Path(__file__).parents[1] / "clock"
JOINS, FEW_JOINS = 30, 8
RELAYING = ("relay.read", "relay.sent", "relay.acknowledged", "cursor.written")
LOCKS = (
    "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and database ="
    " (select oid from pg_database where datname = current_database())"
)


async def storm(stage: Stage, random: Draw) -> int:
    """A member joins or leaves a group of three services every 0.3 to 2 seconds."""
    members: list[asyncio.Task[None]] = []
    joined = 0
    try:
        while joined < (FEW_JOINS if random.short else JOINS):
            if len(members) < 2 or (len(members) < 6 and random.random() < 0.6):
                name = random.choice(["loyalty", "clients", "automation"])
                members.append(asyncio.create_task(member(stage.rig, name)))
                joined += 1
            else:
                await leave(members.pop(random.randrange(len(members))))
            await asyncio.sleep(random.uniform(0.3, 2) if joined % 10 else 0.3)  # lint-skip: sleep the storm's pace
    finally:
        for each in members:
            await leave(each)
    return joined


async def member(rig: Rig, name: str) -> None:
    """Consume as one more member of a service's group, until cancelled."""
    service, database = load_service(name), Database(rig.dsn(name), size=4)
    await database.open()
    feed = FeedClient(lambda source: f"http://127.0.0.1:{rig.ports[source]}", (rig.folder / "service").read_text())
    subscription = Subscription(database, service)
    reader = TopicReader(subscription, Mender(subscription, feed), rig.prefix)
    topics = [rig.prefix + source for source in service.sources()]
    try:
        await LaneConsumer(rig.bootstrap, f"{rig.prefix}{name}.main", topics, reader.apply).run()
    finally:
        await feed.close()
        await database.close()


async def leave(task: "asyncio.Task[None]") -> None:
    """Let a member go."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def two_of_each(stage: Stage, random: Draw) -> int:
    """A second process of every service: two relays, two schedulers, two intakes, two members each."""
    async with second(stage, *stage.rig.names), stage.load.running(random):
        await stage.load.probe()
    return 1


async def thaw_old_relay(stage: Stage, random: Draw) -> int:
    """A relay freezes and loses its session, another one takes over; then the first thaws and goes on."""
    orders = stage.rig.processes["orders"]
    await asyncio.to_thread(orders.stop)
    orders.fault = f"{random.choice(RELAYING)}:{random.randint(1, 4)}:stop"
    orders.spawn()

    async def stopped() -> bool:
        return orders.process.status() == "stopped"

    await until(stopped, 60)
    await stage.rig.rows("orders", LOCKS)
    async with second(stage, "orders"):
        await asyncio.sleep(random.uniform(0, 3))  # lint-skip: sleep so long the other one relays alone
        orders.thaw()
        orders.fault = ""
        async with stage.load.running(random):
            pass
    return 1


async def wrong_clocks(stage: Stage, random: Draw) -> int:
    """Each service's host believes that it is an hour earlier or later."""
    right = {process: process.environment for process in stage.rig.processes.values()}
    for process in right:
        ahead = {"KLIENTELA_CLOCK_AHEAD": str(random.choice([-3600, 3600])), "PYTHONPATH": str(CLOCK)}
        process.environment = {**process.environment, **ahead}
    await _restart(stage)
    async with stage.load.running(random):
        await stage.load.probe()
    for process, environment in right.items():
        process.environment = environment
    await _restart(stage)
    return 1


@asynccontextmanager
async def second(stage: Stage, *names: str) -> AsyncIterator[None]:
    """A second process of services, within."""
    others = [stage.rig.member(name, port) for name, port in zip(names, free_ports(len(names)), strict=True)]
    try:
        await asyncio.gather(*(asyncio.to_thread(other.start) for other in others))
        yield
    finally:
        await asyncio.gather(*(asyncio.to_thread(other.stop) for other in others))


async def _restart(stage: Stage) -> None:
    async def again(process: ServiceUnderTest) -> None:
        await asyncio.to_thread(process.stop)
        await asyncio.to_thread(process.start)

    await asyncio.gather(*(again(process) for process in stage.rig.processes.values()))


ROWS = (
    Row("rebalance", "a member joins or leaves every 0.3–2 s", 300, 1_000, under_load(storm)),
    Row("two-of-each", "two relays, two timer schedulers, two of everything at once", 10, 50, under_load(two_of_each)),
    Row("old-relay", "an old relay thaws beside its successor", 10, 50, under_load(thaw_old_relay)),
    Row("clock", "the clocks of the services' hosts wrong by an hour", 10, 50, under_load(wrong_clocks)),
)
