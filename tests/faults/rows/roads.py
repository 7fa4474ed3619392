"""What the road loses without anybody's death: a gap no relay knows of, a member that freezes in a batch."""

import asyncio

from klientela.ports import free_ports
from tests.faults.row import Draw, Row, under_load
from tests.faults.rows.servers import answering
from tests.faults.stage import Stage
from tests.rig import until

BELIEVED = "update chassis.cursors c set sequence = head from chassis.counters h where h.lane = c.lane"
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
    """A member freezes within a batch, another one joins and takes its partitions; then the first thaws."""
    name = random.choice(["loyalty", "clients", "service-desk", "automation"])
    process = stage.rig.processes[name]
    await asyncio.to_thread(process.stop)
    process.fault = f"{random.choice(IN_A_BATCH)}:{random.randint(1, 3)}:stop"
    process.spawn()

    async def stopped() -> bool:
        return process.process.status() == "stopped"

    await until(stopped, 90)
    other = stage.rig.member(name, free_ports(1)[0])
    other.spawn()
    try:
        frozen = 12 if random.short else random.uniform(0, 15)
        await asyncio.sleep(frozen)  # lint-skip: sleep shorter or longer than its session
        process.thaw()
        process.fault = ""
        await answering(other)
        await answering(process)
    finally:
        await asyncio.to_thread(other.stop)
    return 1


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
