"""One snapshot of every database, opened when the suite is at rest."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

import asyncpg

from chassis.database import Connection
from chassis.service import Service
from klientela.errors import Refusal
from klientela.proof.finding import Finding
from klientela.proof.standing import Heads, Standing, on_its_way, read_present_heads, read_standing

SESSION = {
    "application_name": "klientela verify", "timezone": "UTC", "jit": "off", "work_mem": "64MB",
    "idle_in_transaction_session_timeout": "0", "statement_timeout": "0",
}  # fmt: skip
BETWEEN_LOOKS = 0.3
"""Seconds; events cause events, so a suite is at rest when a second look sees what the first one saw."""

SHOWN = 2
"""Of what is left to do, so much is said while it is waited for."""
QUIET = "suite.quiet"


class View(NamedTuple):
    """One service as it is proved: its snapshot, where it stands in it, and its heads a moment later."""

    service: Service
    connection: Connection
    standing: Standing
    heads_after: Heads


@asynccontextmanager
async def at_rest(
    services: Iterable[Service], databases: Mapping[str, str], wait: float, progress: Callable[[str], None]
) -> AsyncIterator[tuple[Finding, dict[str, View]]]:
    """Wait until the suite is at rest and give a snapshot of each database, and what was found about its rest.

    When ``wait`` seconds are over the snapshots are given all the same: the finding says what is behind where.
    """
    known = {service.name: service for service in services}
    async with AsyncExitStack() as stack:
        connections = {name: await connect_to(stack, name, databases[name]) for name in known}
        look = AsyncExitStack()
        stack.push_async_exit(look)
        deadline = time.monotonic() + wait
        before: dict[str, Heads] | None = None
        looks = 0
        while True:
            standings = await _look(look, connections, known)
            looks += 1
            heads = {name: standing.heads for name, standing in standings.items()}
            left = list(on_its_way(standings, {name: service.sources() for name, service in known.items()}))
            quiet = not left and heads == before
            if quiet or (time.monotonic() >= deadline and looks > 1):
                break
            more = f", and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
            progress(f"Waiting: {'; '.join(left[:SHOWN]) or 'looking a second time'}{more}")
            before = heads if not left else None
            await look.aclose()
            await asyncio.sleep(BETWEEN_LOOKS)
        finding = Finding(QUIET, sum(len(of_one) for of_one in heads.values()))
        finding.fail_all(left or ([] if quiet else ["new events keep coming"]))
        after = {name: await _heads_after(databases[name]) for name in known}
        yield (
            finding,
            {name: View(known[name], connections[name], standings[name], after[name]) for name in known},
        )


async def connect_to(stack: AsyncExitStack, name: str, dsn: str) -> Connection:
    """Connect to a service's database until ``stack`` is closed. Raises Refusal when that cannot be done."""
    try:
        connection = await asyncpg.connect(dsn, server_settings=SESSION)
    except (OSError, asyncpg.PostgresError) as error:
        raise Refusal(f"The database of {name} cannot be reached ({type(error).__name__}). Is the suite up?") from error
    stack.push_async_callback(connection.close)
    return connection


async def _look(
    look: AsyncExitStack, connections: Mapping[str, Connection], services: Mapping[str, Service]
) -> dict[str, Standing]:
    """Begin a snapshot on every connection, until ``look`` is closed, and read where each service stands in it."""
    for connection in connections.values():
        await look.enter_async_context(connection.transaction(isolation="repeatable_read", readonly=True))
    return {
        name: await read_standing(connection, list(services[name].subscriptions()))
        for name, connection in connections.items()
    }


async def _heads_after(dsn: str) -> Heads:
    """Read an owner's heads once all snapshots stand, so that nobody's progress in a snapshot can be newer."""
    connection = await asyncpg.connect(dsn, server_settings=SESSION)
    try:
        return await read_present_heads(connection)
    finally:
        await connection.close()
