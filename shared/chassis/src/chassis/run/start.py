"""What a service does once at its start, before it serves anybody."""

from chassis.consume.progress import begin_progress
from chassis.database import Database
from chassis.events.incarnations import begin_incarnation
from chassis.events.partitions import ensure_partitions
from chassis.events.unit import unit_of_work
from chassis.service import MAIN, Service


async def seed(database: Database, service: Service) -> None:
    """Begin the log's incarnation, the rows of progress, the next partition, and what a new database must have."""
    async with database.pool.acquire() as connection:
        await begin_incarnation(connection, database.identity)
        await begin_progress(connection, MAIN, service.part(MAIN).sources())
        await ensure_partitions(connection)
    for start in service.starts:
        async with unit_of_work(database, service.name) as unit:
            await start(unit)
