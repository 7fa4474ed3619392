"""Members of a group come, go, freeze and thaw; two relays and two schedulers are at work at once; clocks are wrong."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import count

from aiokafka import TopicPartition

from chassis.consume.feed_client import FeedClient
from chassis.consume.lane_consumer import LaneConsumer
from chassis.consume.mending import Mender
from chassis.consume.subscription import Subscription
from chassis.consume.topic_reader import TopicReader
from chassis.database import Database
from chassis.run.serve import load_service
from klientela.ports import free_ports
from tests.faults.row import Draw, Row, under_load
from tests.faults.rows.processes import until_struck
from tests.faults.stage import Stage
from tests.rig import Rig, ServiceUnderTest

HOUR = timedelta(hours=1)
JOINS, FEW_JOINS, STORM = 30, 8, 120
"""A storm is over when so many have joined and had something to read, or after so many seconds."""
RELAYING = ("relay.read", "relay.sent", "relay.acknowledged", "cursor.written")
LOCKS = (
    "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and database ="
    " (select oid from pg_database where datname = current_database())"
)
NOTICES = "select count(*) from chassis.events where type = 'service-desk.maintenance_due.v1'"
CHANGES = "select count(*) from chassis.events where type = 'loyalty.programme_changed.v1'"
UNDONE = "select timers_due + jobs from chassis.waiting"
BEGINS = "select 1 from chassis.timers where due = $1"


class Member(LaneConsumer):
    """A member of a group that remembers whether it was ever given anything to read."""

    given = False

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Note that something was given."""
        self.given = self.given or bool(assigned)
        await super().on_partitions_assigned(assigned)


async def storm(stage: Stage, random: Draw) -> int:
    """A member joins or leaves a group of three services every 0.3 to 2 seconds.

    Who left before there was anything for it counts for nothing, though others had to make room twice.
    """
    members: list[asyncio.Task[None]] = []
    readers: list[str] = []
    ends = time.monotonic() + STORM
    try:
        for n in count(1):
            if len(readers) >= (FEW_JOINS if random.short else JOINS) or time.monotonic() > ends:
                break
            if len(members) < 2 or (len(members) < 6 and random.random() < 0.6):
                name = random.choice(["loyalty", "clients", "automation"])
                members.append(asyncio.create_task(member(stage.rig, name, readers)))
            else:
                await leave(members.pop(random.randrange(len(members))))
            await asyncio.sleep(random.uniform(0.3, 2) if n % 10 else 0.3)  # lint-skip: sleep the storm's pace
    finally:
        for each in members:
            await leave(each)
    return len(readers)


async def member(rig: Rig, name: str, readers: list[str]) -> None:
    """Consume as one more member of a service's group, until cancelled; one of the readers if it had partitions."""
    service, database = load_service(name), Database(rig.dsn(name), size=4)
    await database.open()
    feed = FeedClient(lambda source: f"http://127.0.0.1:{rig.ports[source]}", (rig.folder / "service").read_text())
    subscription = Subscription(database, service)
    reader = TopicReader(subscription, Mender(subscription, feed), rig.prefix)
    topics = [rig.prefix + source for source in service.sources()]
    consumer = Member(rig.bootstrap, f"{rig.prefix}{name}.main", topics, reader.apply)
    try:
        await consumer.run()
    finally:
        readers += [name] * consumer.given
        await feed.close()
        await database.close()


async def leave(task: "asyncio.Task[None]") -> None:
    """Let a member go."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def two_of_each(stage: Stage, random: Draw) -> int:
    """A second process of every service: two relays, two schedulers, two intakes, two members each.

    While both are up, a notice of a service is given (a timer) and a programme is changed (a job).
    """

    async def done() -> tuple[int, int]:
        return await number(stage, "service-desk", NOTICES), await number(stage, "loyalty", CHANGES)

    async with second(stage, *stage.rig.names) as others:
        notices, changes = await done()
        async with stage.load.running(random):
            await stage.load.probe()

        async def struck() -> bool:
            now = await done()
            return now[0] > notices and now[1] > changes and not await number(stage, "loyalty", UNDONE)

        await until_struck(struck, "no timer and no job was done while there were two of each")
        if ended := [each.name for each in (*others, *stage.rig.processes.values()) if not each.running]:
            message = f"there were not two of {ended} all the time"
            raise RuntimeError(message)
    return 1


async def number(stage: Stage, service: str, sql: str) -> int:
    """Return the one number that is asked of a service."""
    return int((await stage.rig.rows(service, sql))[0][0])


async def thaw_old_relay(stage: Stage, random: Draw) -> int:
    """A relay freezes and loses its session, another one takes over; then the first thaws and goes on."""
    orders = stage.rig.processes["orders"]
    await asyncio.to_thread(orders.stop)
    orders.fault = f"{random.choice(RELAYING)}:{random.randint(1, 4)}:stop"
    orders.spawn()
    await orders.frozen()
    await stage.rig.rows("orders", LOCKS)
    async with second(stage, "orders"):
        await asyncio.sleep(random.uniform(0, 3))  # lint-skip: sleep so long the other one relays alone
        orders.thaw()
        orders.fault = ""
        async with stage.load.running(random):
            pass
    return 1


async def wrong_clocks(stage: Stage, random: Draw) -> int:
    """Each database's clock is an hour fast or slow, then the other way round, then right again.

    A programme that is to begin in half an hour begins while loyalty's clock is fast; under each clock operators change
    the programme twice at least. What was written by a clock that was fast is for no later run.
    """
    begins = datetime.now(UTC) + HOUR / 2
    ahead = {name: random.choice((-HOUR, HOUR)) for name in stage.rig.names}

    async def waits() -> bool:
        return bool(await stage.rig.rows("loyalty", BEGINS, begins))

    async def begun() -> bool:
        return not await waits()

    terms = {"rates": {"CZK": "10"}, "tiers": {"silver": 1, "gold": 2}, "valid_from": begins.isoformat()}
    await stage.load.ask("loyalty", "PUT", "/v1/programme", terms)
    await until_struck(waits, "no timer was set")
    for wrong in (ahead, {name: -by for name, by in ahead.items()}):
        await set_clocks(stage, wrong)
        await stage.load.probe()
        if wrong["loyalty"] > timedelta():
            await until_struck(begun, "no timer went by the wrong clock")
        changes = await number(stage, "loyalty", CHANGES)

        async def changed(changes: int = changes) -> bool:
            return await number(stage, "loyalty", CHANGES) >= changes + 2

        await until_struck(changed, "no programme was changed under the wrong clock")
    await set_clocks(stage, dict.fromkeys(ahead, timedelta()))
    return 1


async def set_clocks(stage: Stage, ahead: Mapping[str, timedelta]) -> None:
    """Set the clock of each service's database so much fast; what is below zero is slow."""
    for name, by in ahead.items():
        await stage.rig.rows(name, "update chassis.clock set ahead = $1", by)


@asynccontextmanager
async def second(stage: Stage, *names: str, module: str = "chassis") -> AsyncIterator[list[ServiceUnderTest]]:
    """A second process of services, of this release or of another one, within."""
    others = [stage.rig.member(name, port) for name, port in zip(names, free_ports(len(names)), strict=True)]
    for other in others:
        other.module = module
    try:
        await asyncio.gather(*(asyncio.to_thread(other.start) for other in others))
        yield others
    finally:
        await asyncio.gather(*(asyncio.to_thread(other.stop) for other in others))


ROWS = (
    Row("rebalance", "a member joins or leaves every 0.3–2 s", 300, 1_000, under_load(storm)),
    Row("two-of-each", "two relays, two timer schedulers, two of everything at once", 10, 50, under_load(two_of_each)),
    Row("old-relay", "an old relay thaws beside its successor", 10, 50, under_load(thaw_old_relay)),
    Row(
        "clock",
        "the databases' clocks wrong by an hour, each its own way, forth and back",
        10,
        50,
        under_load(wrong_clocks),
        fresh=True,
    ),
)
