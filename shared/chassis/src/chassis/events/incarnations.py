"""Incarnations: what tells a log apart from the same log set back to an earlier day.

A database with another identity than the one that wrote last (restored, failed over) begins a new incarnation of all
lanes before anything is written or published; so consumers notice, even if nothing ever is. Its number comes from the
database clock in milliseconds and is never used twice. A database that was set back silently learns of that from Kafka
(``tail``): its new incarnation begins at the cursors, for what is not published yet may have taken numbers again.
"""

from collections.abc import Mapping

import asyncpg

from chassis.database import Connection
from chassis.events.lanes import LANES


class TryAgain(asyncpg.TransactionRollbackError):
    """The unit was undone and what it lacked was made: the same work is to be tried again."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)  # asyncpg's errors cannot be shown without a message


class IdentityChanged(TryAgain):
    """Another database wrote last: a new incarnation was begun, the same work is to be tried again."""


async def begin_incarnation(connection: Connection, identity: str) -> None:
    """Begin a new incarnation at the heads of all lanes, unless another session has done so already."""
    async with connection.transaction():
        await connection.execute(
            "insert into chassis.counters (lane, incarnation, identity)"
            " select lane, 0, '' from generate_series(0, $1 - 1) lane"
            " where not exists (select from chassis.counters c where c.lane = lane.lane)"  # whose writer may be frozen
            " on conflict do nothing",
            LANES,
        )
        others = "select 1 from chassis.counters where identity <> $1"
        if not await connection.fetch(others, identity):
            return  # nobody waits for a writer, who may be frozen
        known = await connection.fetch("select lane, head, identity from chassis.counters order by lane for update")
        if any(row["identity"] != identity for row in known):
            await _begin(connection, {row["lane"]: row["head"] for row in known})
            await connection.execute("update chassis.counters set identity = $1", identity)


async def begin_incarnation_at_cursors(connection: Connection) -> None:
    """Begin a new incarnation of all lanes with what is not published yet, which is told under it."""
    async with connection.transaction():
        await connection.execute("select from chassis.counters order by lane for update")
        published = await connection.fetch("select lane, sequence from chassis.cursors")
        number = await _begin(connection, {row["lane"]: row["sequence"] for row in published})
        await connection.execute(
            "update chassis.events e set incarnation = $1 from chassis.cursors c"
            " where e.lane = c.lane and e.sequence > c.sequence",
            number,
        )


async def _begin(connection: Connection, after: Mapping[int, int]) -> int:
    """Begin one after the numbers of all lanes; return which."""
    number = await connection.fetchval(
        "select greatest((extract(epoch from clock_timestamp()) * 1000)::bigint, max(number) + 1)"
        " from (select 0::bigint as number union all select number from chassis.incarnations) known"
    )
    await connection.execute(
        "insert into chassis.incarnations (lane, number, from_sequence)"
        " select lane, $1, sequence + 1 from unnest($2::smallint[], $3::bigint[]) after(lane, sequence)",
        number,
        list(after),
        list(after.values()),
    )
    await connection.execute("update chassis.counters set incarnation = $1", number)
    return int(number)
