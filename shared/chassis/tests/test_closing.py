"""Clients are closed to the end: nobody waits for them for ever, and nothing is cancelled on its way."""

import asyncio
from collections.abc import Sequence

import pytest
from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError

from chassis.closing import close, connected
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

    async def connect() -> None: ...

    async def fail() -> None:
        raise KafkaError

    consumer = LaneConsumer("127.0.0.1:1", "group", ["topic"], apply)
    monkeypatch.setattr(consumer._consumer, "start", connect)
    monkeypatch.setattr(consumer, "_read", fail)
    monkeypatch.setattr(consumer, "_commit", cancelled)
    with pytest.raises(KafkaError):
        await consumer.run()
    assert consumer._consumer._closed


class Slow:
    """A client whose start takes until it is told to go on."""

    def __init__(self) -> None:
        self.begun, self.go_on, self.stopped = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.said: list[str] = []

    async def start(self) -> None:
        self.begun.set()
        await self.go_on.wait()
        self.said.append("started")

    async def stop(self) -> None:
        self.said.append("stopped")
        self.stopped.set()


async def connect_to(client: Slow, within: float = 60, closing: float = 60) -> None:
    async with connected(client.start, client.stop, within, closing=closing):
        pytest.fail("nobody is connected to it")


async def test_a_start_ends_by_itself_before_the_client_is_stopped_though_who_wanted_it_is_cancelled() -> None:
    """Kafka's client forgets the connection that it was making when it is cancelled: it would stay open."""
    client = Slow()
    wanting = asyncio.create_task(connect_to(client))
    await client.begun.wait()
    wanting.cancel()
    asyncio.get_running_loop().call_soon(client.go_on.set)
    with pytest.raises(asyncio.CancelledError):
        await wanting
    assert client.said == ["started", "stopped"]


async def test_who_is_cancelled_while_a_start_is_waited_out_leaves_nothing_running() -> None:
    """A consumer that was forgotten would join its group later and read nothing."""
    client = Slow()
    wanting = asyncio.create_task(connect_to(client, 0.01))
    await client.begun.wait()
    for _ in range(2):
        await asyncio.sleep(0)
        wanting.cancel()
    with pytest.raises((asyncio.CancelledError, TimeoutError)):
        await wanting
    client.go_on.set()
    async with asyncio.timeout(60):
        await client.stopped.wait()
    assert client.said == ["started", "stopped"]


async def test_a_start_that_never_ends_is_given_up() -> None:
    client = Slow()
    with pytest.raises(TimeoutError):
        await connect_to(client, 0.01, 0.01)
    async with asyncio.timeout(60):
        await client.stopped.wait()
    client.go_on.set()
    await asyncio.sleep(0)
    assert client.said == ["stopped"]


async def test_a_start_that_fails_is_told_and_the_client_is_stopped() -> None:
    client = Slow()

    async def fail() -> None:
        raise KafkaError

    with pytest.raises(KafkaError):
        async with connected(fail, client.stop):
            pytest.fail("nobody is connected to it")
    assert client.said == ["stopped"]
