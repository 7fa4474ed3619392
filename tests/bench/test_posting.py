"""Requests go over connections that are kept; what is not taken is no answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from bench.posting import Refused, lines, post


@asynccontextmanager
async def a_service(status: str) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Answer everything with a status; give the address, and what was asked, connection by connection."""
    asked: list[bytes] = []
    answering: list[asyncio.Task[None] | None] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine = len(asked)
        asked.append(b"")
        answering.append(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(int(line[16:]) for line in head.splitlines() if line.startswith(b"Content-Length: "))
                asked[mine] += await reader.readexactly(length)
                writer.write(f"HTTP/1.1 {status}\r\nserver: x\r\ncontent-length: 2\r\n\r\nok".encode())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
        await asyncio.gather(*filter(None, answering))


async def test_a_connection_is_used_again_and_in_its_turn() -> None:
    async with a_service("202 Accepted") as (base, asked), lines(base, 2) as opened:
        answers = [await opened.send(post("/v1/x", body, {})) for body in (b"1", b"2", b"3")]
    assert answers == [b"ok"] * 3
    assert sorted(asked) == [b"13", b"2"]


async def test_who_finds_no_free_connection_makes_one() -> None:
    async with a_service("200 OK") as (base, asked), lines(base, 1) as opened:
        await asyncio.gather(*(opened.send(post("/v1/x", body, {})) for body in (b"1", b"2", b"3")))
    assert sorted(asked) == [b"1", b"2", b"3"]


async def test_what_is_refused_is_raised() -> None:
    async with a_service("429 Too Many Requests") as (base, _), lines(base, 1) as opened:
        with pytest.raises(Refused, match="429"):
            await opened.send(post("/v1/x", b"", {}))
