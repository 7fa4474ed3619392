"""Processes that die: what a process has of its database is gone with it, while the real connections are used again.

A new connection costs more than a whole seed, so a dead process's is rolled back and handed on, as the server does.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any, cast
from urllib.parse import urlsplit

import asyncpg

from chassis import points
from chassis.database import Database


class Crash(BaseException):
    """The process ends here."""


SOCKET = os.environ.get("KLIENTELA_TEST_POSTGRES_SOCKET")
"""The folder of the server's socket: by network a third of every round trip would be the network's."""


class Stock:
    """The real connections to one database, kept for the whole run."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.free: list[Any] = []

    async def take(self) -> Any:
        if self.free:
            return self.free.pop()
        return await asyncpg.connect(self.dsn, host=SOCKET, port=urlsplit(self.dsn).port)

    async def give_back(self, real: Any) -> None:
        if real.is_in_transaction():
            await real.execute("rollback")
        self.free.append(real)

    async def close(self) -> None:
        for real in self.free:
            await real.close()


class Link:
    """One connection as its process has it; nothing goes through once the process, or the link, is dead."""

    def __init__(self, process: "Process", real: Any) -> None:
        self.process, self.real, self.cut = process, real, False

    def __getattr__(self, name: str) -> Any:
        if self.cut or not self.process.alive:
            message = "connection is closed"
            raise asyncpg.InterfaceError(message)
        return getattr(self.real, name)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        await self.execute("begin")
        try:
            yield
        except BaseException:
            if self.process.alive and not self.cut:
                await self.execute("rollback")
            raise
        await self.process.commit(self)


class Pool:
    """What a process takes for its pool."""

    def __init__(self, process: "Process") -> None:
        self.process = process

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Link]:
        real = await self.process.stock.take()
        try:
            yield Link(self.process, real)
        finally:
            await self.process.stock.give_back(real)

    async def fetch(self, *query: Any) -> Any:
        async with self.acquire() as link:
            return await link.fetch(*query)

    async def execute(self, *query: Any) -> Any:
        async with self.acquire() as link:
            return await link.execute(*query)


class Process:
    """One life of a service: its database, where it is to die, what becomes of its next commit."""

    def __init__(self, stock: Stock, identity: str) -> None:
        self.stock, self.alive, self.commits = stock, True, 0
        self.database = Database("", size=5)
        self.database._pool = self.database._notes = cast("asyncpg.Pool[asyncpg.Record]", Pool(self))
        self.database.identity = identity
        self.dies_at: tuple[str, int] | None = None
        self.loses: str = ""
        self.waits: asyncio.Event | None = None
        self.at_commit = asyncio.Event()

    def reach(self, point: str) -> None:
        """Die at the chosen pass of the chosen point."""
        if self.dies_at and self.dies_at[0] == point:
            self.dies_at = (point, self.dies_at[1] - 1)
            if not self.dies_at[1]:
                self.alive = False
                raise Crash(point)

    async def commit(self, link: Link) -> None:
        """Commit; perhaps only later, perhaps without an answer, perhaps without doing so."""
        if self.waits:
            self.at_commit.set()
            await self.waits.wait()
        lost, self.loses = self.loses, ""
        await link.execute("rollback" if lost == "commit" else "commit")
        self.commits += lost != "commit"
        if lost:
            link.cut = True
            message = "connection was closed in the middle of operation"
            raise asyncpg.ConnectionDoesNotExistError(message)


def plan_death(process: Process, chance: Random, passes: tuple[str, ...]) -> None:
    """Choose where the process dies."""
    process.dies_at = (chance.choice(passes), chance.choice((1, 1, 1, 2)))


def now_runs(process: Process | None) -> None:
    """Tell whose points are passed from now on."""
    points.strike_with(process.reach if process else None)
