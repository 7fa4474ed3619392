"""Locks by name, held until commit: for a setting that many read and few change, and for work that one does at a time.

They queue in turn. Row locks do not: readers ``for share`` join each other past a writer that waits, for as long as
batches overlap, and each of them writes to the row.
"""

from chassis.database import Connection


async def share(connection: Connection, name: str) -> None:
    """Keep what is named as it is until commit, together with others; wait for who changes it.

    What is named is read in a statement after this one, which sees what was changed meanwhile.
    """
    await connection.execute("select pg_advisory_xact_lock_shared(hashtext($1), 0)", name)


async def claim(connection: Connection, name: str) -> None:
    """Be the only one until commit; wait for those who were first."""
    await connection.execute("select pg_advisory_xact_lock(hashtext($1), 0)", name)


async def try_claim(connection: Connection, name: str, number: int = 0) -> bool:
    """Be the only one until commit, without waiting; False when somebody is at it."""
    claimed: bool = await connection.fetchval("select pg_try_advisory_xact_lock(hashtext($1), $2)", name, number)
    return claimed
