"""Requests to a service over connections that are kept, for less than what a client library costs beside it."""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple
from urllib.parse import urlsplit

from chassis.closing import close

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
STATUS = slice(9, 12)
GOOD = b"2"


class Refused(Exception):
    """A service answered something else than that it took what it was sent."""


class Line(NamedTuple):
    """One connection: what is sent over it is sent one after the other."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, request: bytes) -> bytes:
        """Send a whole request; return the body of its answer. Raises Refused."""
        self.writer.write(request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = LENGTH.search(head)
        body = await self.reader.readexactly(int(length[1]) if length else 0)
        if not head[STATUS].startswith(GOOD):
            raise Refused(head.splitlines()[0], body)
        return body


class Lines:
    """As many connections to one service as are needed at a time, each in its turn, so that none is cut as idle."""

    def __init__(self, base: str) -> None:
        """Name where the service is; ``base`` has no path."""
        self._place = urlsplit(base)
        self._free: deque[Line] = deque()

    async def open(self, number: int) -> None:
        """Connect so often beforehand."""
        self._free.extend([await self._connect() for _ in range(number)])

    async def send(self, request: bytes) -> bytes:
        """Send a request over a free connection, or a new one. Raises Refused."""
        line = self._free.popleft() if self._free else await self._connect()
        try:
            body = await line.send(request)
        except BaseException:
            line.writer.close()
            raise
        self._free.append(line)
        return body

    async def close(self) -> None:
        """Close all that are free."""
        for line in self._free:
            line.writer.close()
            await close(line.writer.wait_closed())

    async def _connect(self) -> Line:
        return Line(*await asyncio.open_connection(self._place.hostname, self._place.port))


@asynccontextmanager
async def lines(base: str, number: int) -> AsyncIterator[Lines]:
    """Give connections to a service, of which so many are there from the start."""
    opened = Lines(base)
    try:
        await opened.open(number)
        yield opened
    finally:
        await opened.close()


def post(path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """Return a whole request of JSON.

    >>> post("/v1/x", b"{}", {"A": "b"}).splitlines()[-3:]
    [b'A: b', b'', b'{}']
    """
    all_headers = {"Host": "localhost", "Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in all_headers.items()), "", ""]
    return "\r\n".join(lines).encode() + body
