"""Members of a group come, go, freeze and thaw; two relays and two schedulers are at work at once."""

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from itertools import count, pairwise

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from chassis.consume.feed_client import FeedClient
from chassis.consume.lane_consumer import LaneConsumer
from chassis.consume.mending import Mender
from chassis.consume.subscription import Subscription
from chassis.consume.topic_reader import TopicReader
from chassis.database import Database
from chassis.run.serve import load_service
from klientela.ports import free_ports
from tests.faults.row import Draw, NotStruck, Row, under_load
from tests.faults.rows.striking import answering, number, second, until_struck
from tests.faults.stage import Stage
from tests.rig import Rig

JOINS, FEW_JOINS, STORM = 30, 8, 120
"""A storm is over when so many have joined and had something to read, or after so many seconds."""
RELAYING = ("relay.read", "relay.sent", "relay.acknowledged", "cursor.written")
LOCKS = (
    "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and database ="
    " (select oid from pg_database where datname = current_database())"
)
NOTICES = "select count(*) from chassis.events where type = 'service-desk.maintenance_due.v1'"
CHANGES = "select count(*) from chassis.events where type = 'loyalty.programme_changed.v1'"
UNDONE = "select jobs from chassis.waiting"
"""Of a job, as many as lanes are left."""
PUBLISHED = "select sum(sequence) from chassis.cursors"
IN_A_BATCH = ("batch.progress-locked", "states.loaded", "states.saved", "commit.before", "commit.after")
REACHED = "select sum(sequence) from chassis.progress where subscription = 'main'"


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

    While both are up, a notice of a service is given (a timer), a programme is changed, and some lane of the job that
    this starts is done.
    """
    left: list[int] = []

    async def done() -> tuple[int, int]:
        return await number(stage, "service-desk", NOTICES), await number(stage, "loyalty", CHANGES)

    async with second(stage, *stage.rig.names) as others:
        notices, changes = await done()
        async with stage.load.running(random):
            await stage.load.probe()

        async def struck() -> bool:
            now = await done()
            left.append(await number(stage, "loyalty", UNDONE))
            return now[0] > notices and now[1] > changes and any(later < earlier for earlier, later in pairwise(left))

        await until_struck(struck, "no timer and no job was done while there were two of each")
        if ended := [each.name for each in (*others, *stage.rig.processes.values()) if not each.running]:
            message = f"there were not two of {ended} all the time"
            raise NotStruck(message)
    return 1


async def thaw_old_relay(stage: Stage, random: Draw) -> int:
    """A relay freezes and loses its session, another one takes over and moves on; then the first thaws and goes on."""
    orders = stage.rig.processes["orders"]
    await asyncio.to_thread(orders.stop)
    orders.fault = f"{random.choice(RELAYING)}:{random.randint(1, 4)}:stop"
    orders.spawn()
    await orders.frozen()
    if not await stage.rig.rows("orders", LOCKS):
        message = "the relay that froze had no session to lose"
        raise NotStruck(message)
    async with second(stage, "orders"):
        before = await number(stage, "orders", PUBLISHED)

        async def succeeded() -> bool:
            return await number(stage, "orders", PUBLISHED) > before

        await until_struck(succeeded, "nobody took over from the relay that froze", RuntimeError)
        await asyncio.sleep(random.uniform(0, 3))  # lint-skip: sleep so long the other one relays alone
        orders.thaw()
        orders.fault = ""
        async with stage.load.running(random):
            pass
    return 1


async def freeze_in_a_batch(stage: Stage, random: Draw) -> int:
    """A member freezes within a batch, another one joins, takes its partitions and goes on; then the first thaws.

    It is frozen for longer than its session lives, and until the other one has all partitions and a lane has moved.
    """
    name = random.choice(["loyalty", "clients", "service-desk", "automation"])
    process = stage.rig.processes[name]
    await asyncio.to_thread(process.stop)
    process.fault = f"{random.choice(IN_A_BATCH)}:{random.randint(1, 3)}:stop"
    process.spawn()
    await process.frozen()
    before = await stage.rig.rows(name, REACHED)

    async def taken() -> bool:
        return await stage.rig.rows(name, REACHED) > before and await has_all(stage, name)

    other = stage.rig.member(name, free_ports(1)[0])
    other.spawn()
    try:
        await asyncio.sleep(random.seconds(12, 11, 15, 20, 25))  # lint-skip: sleep longer than its session
        await until_struck(taken, f"nobody went on with what {name} froze in", RuntimeError)
        process.thaw()
        process.fault = ""
        await answering(other)
        await answering(process)
    finally:
        await asyncio.to_thread(other.stop)
    return 1


async def has_all(stage: Stage, name: str) -> bool:
    """Tell whether a service's partitions are shared out to one member alone."""
    admin = AIOKafkaAdminClient(bootstrap_servers=stage.rig.bootstrap)
    await admin.start()
    try:
        (said,) = await admin.describe_consumer_groups([f"{stage.rig.prefix}{name}.main"])
    finally:
        await admin.close()
    ((_, _, state, _, _, members, *_),) = said.groups
    return state == "Stable" and len(members) == 1


ROWS = (
    Row(
        "frozen-member",
        "a member frozen in a batch while another one takes its partitions",
        10,
        50,
        under_load(freeze_in_a_batch),
    ),
    Row("rebalance", "a member joins or leaves every 0.3–2 s", 300, 1_000, under_load(storm), unit="joins"),
    Row("two-of-each", "two relays, two timer schedulers, two of everything at once", 10, 50, under_load(two_of_each)),
    Row("old-relay", "an old relay thaws beside its successor", 10, 50, under_load(thaw_old_relay)),
)
