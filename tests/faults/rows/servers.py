"""Kafka and PostgreSQL are killed and frozen; connections are cut; everything dies at once."""

import asyncio
from contextlib import suppress

import asyncpg

from klientela.processes import ManagedProcess
from tests.faults.row import Draw, NotStruck, Row, under_load
from tests.faults.rows.striking import answering, until_struck
from tests.faults.stage import Stage

REFUSED = b"TooManyConnections"
"""What a service's log says of it."""


async def kill_kafka(stage: Stage, random: Draw) -> int:
    """Kill the broker at any instant; it comes back a little later."""
    return await _killed(stage.machine.kafka, random)


async def kill_postgres(stage: Stage, random: Draw) -> int:
    """Kill the server with all its processes at any instant; it recovers from its log."""
    return await _killed(stage.machine.postgres, random)


async def freeze_kafka(stage: Stage, random: Draw) -> int:
    """Stop the broker's clock for 5 to 60 seconds: connections hold and nobody answers."""
    await asyncio.sleep(random.uniform(0, 2))  # lint-skip: sleep the instant is to be any
    stage.machine.kafka.freeze()
    await asyncio.sleep(random.seconds(5, 8, 13, 21, 34, 60))  # lint-skip: sleep so long it is frozen
    stage.machine.kafka.thaw()
    return 1


async def freeze_postgres(stage: Stage, random: Draw) -> int:
    """Stop the server's clock for 2 to 30 seconds."""
    await asyncio.sleep(random.uniform(0, 2))  # lint-skip: sleep the instant is to be any
    stage.machine.postgres.freeze()
    await asyncio.sleep(random.seconds(2, 5, 12, 30))  # lint-skip: sleep so long it is frozen
    stage.machine.postgres.thaw()
    return 1


async def kill_everything(stage: Stage, random: Draw) -> int:
    """Kill both servers and all services within a moment, then start them in any order."""
    processes: list[ManagedProcess] = [stage.machine.kafka, stage.machine.postgres, *stage.rig.processes.values()]
    await asyncio.sleep(random.uniform(0, 3))  # lint-skip: sleep the instant is to be any
    random.shuffle(processes)
    for process in processes:
        process.kill()
    for process in processes:
        process.spawn()
    await asyncio.gather(*(answering(process) for process in processes))
    return 1


async def terminate_backends(stage: Stage, random: Draw) -> int:
    """Cut ten connections of services, one after the other, whatever they are doing."""
    cut = 0
    connection = await asyncpg.connect(stage.rig.server)
    while cut < 10:
        await asyncio.sleep(random.uniform(0, 0.3))  # lint-skip: sleep the instant is to be any
        busy = await connection.fetch(
            "select pid from pg_stat_activity where datname = any($1::text[]) and pid <> pg_backend_pid()"
            " and application_name not like 'klientela%' and state <> 'idle'",
            list(stage.rig.databases.values()),
        )
        if busy:
            pid = random.choice([row["pid"] for row in busy])
            cut += await connection.fetchval("select pg_terminate_backend($1)::int", pid)
    await connection.close()
    return cut


async def use_up_connections(stage: Stage, random: Draw) -> int:
    """Kill a service and take every connection that the server has; it starts, and for five seconds gets none."""
    process = random.choice(list(stage.rig.processes.values()))
    taken: list[asyncpg.Connection] = []
    await asyncio.to_thread(process.kill)
    begins = process.log.stat().st_size

    async def refused() -> bool:
        await _take_all(stage.rig.server, taken)
        return REFUSED in process.log.read_bytes()[begins:]

    try:
        await _take_all(stage.rig.server, taken)
        process.spawn()
        await until_struck(refused, f"{process.name} was not refused a connection")
        for _ in range(50):
            await asyncio.sleep(0.1)  # lint-skip: sleep so long there are none
            await _take_all(stage.rig.server, taken)
        if await asyncio.to_thread(process.answers):
            message = f"{process.name} works, so it had a connection"
            raise NotStruck(message)
    finally:
        for connection in taken:
            connection.terminate()
    await answering(process)
    return 1


async def _take_all(server: str, taken: list[asyncpg.Connection]) -> None:
    """Take what connections there are until one is refused."""
    with suppress(asyncpg.TooManyConnectionsError):
        while True:
            taken.append(await asyncpg.connect(server))


async def _killed(server: ManagedProcess, random: Draw) -> int:
    await asyncio.sleep(random.uniform(0, 2))  # lint-skip: sleep the instant is to be any
    await asyncio.to_thread(server.kill)
    await asyncio.sleep(random.seconds(1, 0, 0, 4))  # lint-skip: sleep so long it is away
    await asyncio.to_thread(server.start)
    return 1


ROWS = (
    Row("kill-kafka", "kill -9 of Kafka", 20, 100, under_load(kill_kafka)),
    Row("freeze-kafka", "Kafka frozen for 5–60 s", 10, 50, under_load(freeze_kafka)),
    Row("kill-postgres", "kill -9 of PostgreSQL, all of its processes", 20, 100, under_load(kill_postgres)),
    Row("freeze-postgres", "PostgreSQL frozen for 2–30 s", 10, 50, under_load(freeze_postgres)),
    Row("cut-connection", "one connection to PostgreSQL cut while it works", 50, 200, under_load(terminate_backends)),
    Row(
        "no-connections",
        "all connections of PostgreSQL taken for 5 s, a service restarts",
        3,
        10,
        under_load(use_up_connections),
    ),
    Row(
        "kill-everything", "kill -9 of Kafka, PostgreSQL and all services at once", 10, 30, under_load(kill_everything)
    ),
)
