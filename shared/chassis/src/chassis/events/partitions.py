"""Partitions of the event log: old ranges of numbers can be exported one day, and are still served by the feed."""

from chassis.database import Connection

PARTITION_ROWS = 1_000_000
LOCK = 7_250_104


async def ensure_partitions(connection: Connection) -> None:
    """Make the partition that the longest lane is in and the one after it, so that a writer seldom lacks one.

    A new table is attached rather than created in place: that waits for no reader and no writer of the log.
    """
    longest = await connection.fetchval("select coalesce(max(head), 0) from chassis.counters")
    for number in (longest // PARTITION_ROWS, longest // PARTITION_ROWS + 1):
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock($1)", LOCK)
            if await connection.fetchval("select to_regclass($1)", f"chassis.events_{number}") is None:
                start, end = number * PARTITION_ROWS, (number + 1) * PARTITION_ROWS
                await connection.execute(
                    await connection.fetchval(
                        "select format('create table chassis.%1$I (like chassis.events including all);"
                        " alter table chassis.events attach partition chassis.%1$I for values from (%2$s) to (%3$s)',"
                        " $1::text, $2::bigint, $3::bigint)",
                        f"events_{number}",
                        start,
                        end,
                    )
                )
