"""The service's own PostgreSQL database: its pool, its identity, and which of its errors are trouble or bad data."""

import asyncio
from typing import TypeAlias
from uuid import uuid4

import asyncpg
from aiorwlock import RWLock
from asyncpg.pool import PoolConnectionProxy

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

SESSION = {
    "idle_in_transaction_session_timeout": "5s",
    "lock_timeout": "20s",
    "statement_timeout": "60s",
    "transaction_timeout": "60s",
    "tcp_user_timeout": "20s",
    "timezone": "UTC",
}
TROUBLE = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what a connection that is cut at a bad moment may say
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.TransactionRollbackError,  # deadlock, serialization
    asyncpg.InsufficientResourcesError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TransactionTimeoutError,
    asyncpg.PostgresSystemError,  # the disk under it
    asyncpg.ReadOnlySQLTransactionError,  # a standby, or a primary that is none any more
)
"""Infrastructure trouble: the same work is tried again, for as long as it takes."""

TOO_MUCH = (
    asyncio.TimeoutError,
    asyncpg.TransactionTimeoutError,
    asyncpg.QueryCanceledError,  # a statement that took too long
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.OutOfMemoryError,
    asyncpg.PostgresSystemError,
)
"""Trouble that less work at once may not meet: what comes again is done in smaller parts."""

COLLISIONS = (asyncpg.UniqueViolationError, asyncpg.ExclusionViolationError, asyncpg.ForeignKeyViolationError)
"""Somebody was faster: load again and repeat."""

COLLISIONS_BORNE = 5
"""How often the same work may collide before it counts as bad data."""


class Database:
    """A pool of connections with our time-outs; ``identity`` names the database, so that a rewind is noticed."""

    def __init__(self, dsn: str, *, size: int = 10, stamp: str = "") -> None:
        self._dsn, self._size, self._stamp = dsn, size, stamp
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._notes: asyncpg.Pool[asyncpg.Record] | None = None
        self.identity = ""
        self.process = uuid4()
        """Tells this process from those that died before it."""
        self.background = asyncio.Semaphore(max(1, size - 4))
        """Held by what consumes, so that some connections are always left for requests."""
        self.attempts = RWLock(fast=True)
        """Read by every attempt in hand; written by one that is tried with nothing else in hand."""
        self.committed = asyncio.Event()
        """Set after every commit that wrote events: wakes the relay of the same process."""

    @property
    def pool(self) -> "asyncpg.Pool[asyncpg.Record]":
        """The open pool. Raises RuntimeError before ``open``."""
        return _opened(self._pool)

    @property
    def notes(self) -> "asyncpg.Pool[asyncpg.Record]":
        """A connection beside the pool, for short notes of units that hold one of the pool's: none waits for another.

        Raises RuntimeError before ``open``.
        """
        return _opened(self._notes)

    async def open(self) -> None:
        """Open the pools and learn the database's identity."""
        self._pool = await self._open_pool(2, self._size)
        self._notes = await self._open_pool(1, 1)

    async def close(self) -> None:
        """Close the pools; what does not end within five seconds each is cut off."""
        for pool in (self._pool, self._notes):
            if pool is not None:
                try:
                    await asyncio.wait_for(pool.close(), 5)
                except TimeoutError:
                    pool.terminate()

    async def connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        """Open a direct connection of its own, for what holds a session lock."""
        return await asyncpg.connect(self._dsn, server_settings=SESSION, command_timeout=60)

    async def identify(self, connection: Connection) -> str:
        """Return the database's identity as a connection sees it."""
        return f"{await _server_identity(connection)}/{self._stamp}"

    async def _open_pool(self, least: int, most: int) -> "asyncpg.Pool[asyncpg.Record]":
        return await asyncpg.create_pool(
            self._dsn, min_size=least, max_size=most, init=self._init, reset=_keep, server_settings=SESSION,
            command_timeout=60,
        )  # fmt: skip

    async def _init(self, connection: Connection) -> None:
        self.identity = await self.identify(connection)


async def _keep(_: Connection) -> None:
    """Leave a connection that goes back to its pool as it is: nobody changes its session, and a round trip is saved."""


def _opened(pool: "asyncpg.Pool[asyncpg.Record] | None") -> "asyncpg.Pool[asyncpg.Record]":
    if pool is None:
        message = "the database is not open"
        raise RuntimeError(message)
    return pool


async def _server_identity(connection: Connection) -> str:
    return str(
        await connection.fetchval(
            # the timeline as it is written to: that of the last checkpoint is late after a promotion
            "select system_identifier || '/' || ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int"
            " from pg_control_system()"
        )
    )


async def run_formatted(connection: Connection, command: str, *names: str) -> None:
    """Run a command that takes no parameters, its names (%I) and texts (%L) quoted by the server itself."""
    await connection.execute(await connection.fetchval("select format($1, variadic $2::text[])", command, list(names)))
