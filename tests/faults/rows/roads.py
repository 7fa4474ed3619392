"""What the road loses without anybody's death: a gap no relay knows of, a member that freezes in a batch."""

import asyncio

from aiokafka.admin import AIOKafkaAdminClient

from klientela.ports import free_ports
from tests.faults.row import Draw, Row, under_load
from tests.faults.rows.processes import until_struck
from tests.faults.rows.servers import answering
from tests.faults.stage import Stage

BELIEVED = "update chassis.cursors c set sequence = head from chassis.counters h where h.lane = c.lane"
REACHED = "select sum(sequence) from chassis.progress where subscription = 'main'"
IN_A_BATCH = ("batch.progress-locked", "states.loaded", "states.saved", "commit.before", "commit.after")


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
        await until_struck(taken, f"nobody went on with what {name} froze in")
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


async def create_one_firm_at_once(stage: Stage, random: Draw) -> int:
    """Operators and forty orders, all at once, of a firm that nobody knew: it is one client."""
    await stage.load.rush(random)
    return 1


ROWS = (
    Row("gap", "a relay believes published what Kafka never got", 3, 10, under_load(leave_a_gap)),
    Row(
        "frozen-member",
        "a member frozen in a batch while another one takes its partitions",
        10,
        50,
        under_load(freeze_in_a_batch),
    ),
    Row(
        "one-firm",
        "operators and 40 orders at once of a firm that nobody knew",
        3,
        10,
        under_load(create_one_firm_at_once),
    ),
)
