"""Clients are closed to the end: nobody waits for them for ever, and nothing is cancelled on its way."""

import asyncio
from collections.abc import Sequence

import pytest
from aiokafka import ConsumerRecord

from chassis.closing import close
from chassis.consume.lane_consumer import LaneConsumer


async def test_what_takes_too_long_ends_by_itself() -> None:
    gone, ended = asyncio.Event(), asyncio.Event()

    async def closing() -> None:
        await gone.wait()
        ended.set()

    async with asyncio.timeout(60):
        await close(closing(), 0.01)
        assert not ended.is_set()
        gone.set()
        await ended.wait()


@pytest.mark.parametrize("error", [ConnectionResetError, asyncio.CancelledError])
async def test_how_it_ends_does_not_end_who_closes(error: type[BaseException]) -> None:
    async def closing() -> None:
        raise error

    await close(closing())


async def test_a_consumer_is_stopped_though_its_last_commit_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """By Kafka's client, not by us. It would go on in its group, and its partitions would be read by nobody."""

    async def apply(_: str, batch: Sequence[ConsumerRecord]) -> None: ...

    async def cancelled(*_: object) -> None:
        raise asyncio.CancelledError

    consumer = LaneConsumer("127.0.0.1:1", "group", ["topic"], apply)
    monkeypatch.setattr(consumer, "_commit", cancelled)
    await consumer._close()
    assert consumer._consumer._closed
