"""When something was committed, heard from the server itself: nobody has to ask again and again, nor to trust a clock.

A trigger tells of each row, and PostgreSQL passes that on once the row's transaction is committed. What the telling
takes is counted with what is told of.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg

CHANNEL = "committed"
PATIENCE = 300.0
"""Seconds in which all that was sent is committed; what comes later does not come."""
POINTS = """
    create function tell_of_points() returns trigger language plpgsql as $$
    begin
        perform pg_notify('committed', new.order_id::text);
        return null;
    end $$;
    create trigger tell_of_points after insert on entries for each row when (new.order_id is not null)
        execute function tell_of_points();
"""
"""For loyalty: an order brought points."""
PAYMENTS = """
    create function tell_of_payments() returns trigger language plpgsql as $$
    begin
        perform pg_notify('committed', new.subject::text);
        return null;
    end $$;
    create trigger tell_of_payments after insert on chassis.events for each row when (new.type = 'orders.order_paid.v1')
        execute function tell_of_payments();
"""
"""For orders: an order of a known client was paid, and that will be told."""


class Commits:
    """What has been heard of, each with when, by this process' clock."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.at: dict[UUID, float] = {}
        self._waited_for: defaultdict[UUID, asyncio.Event] = defaultdict(asyncio.Event)

    def hear(self, _connection: object, _pid: int, _channel: str, told: object) -> None:
        """Note when something was heard of first."""
        subject = UUID(str(told))
        self.at.setdefault(subject, time.perf_counter())
        self._waited_for[subject].set()

    async def wait(self, subjects: Iterable[UUID]) -> None:
        """Wait until all of these were heard of. Raises TimeoutError when one is not for too long."""
        async with asyncio.timeout(PATIENCE):
            for subject in subjects:
                await self._waited_for[subject].wait()


@asynccontextmanager
async def commits(dsn: str, trigger: str) -> AsyncIterator[Commits]:
    """Put a trigger into a database, and hear what it tells of."""
    heard = Commits()
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(trigger)
        await connection.add_listener(CHANNEL, heard.hear)
        yield heard
    finally:
        connection.terminate()
