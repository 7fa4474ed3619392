"""Windows of the relay: much is published in several, one of which is on its way while the next one is put together."""

import asyncio
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from chassis.events import relay
from chassis.events.lanes import LANES
from chassis.events.relay import Relay
from chassis.testing import Bench
from shared.chassis.tests.publishing import all_published, places, relaying, write


@pytest.mark.parametrize("much", [1, relay.MUCH])
async def test_what_is_too_much_for_one_window_is_published_in_several(
    bench: Bench, topic: Any, moved: asyncio.Event, monkeypatch: pytest.MonkeyPatch, much: int
) -> None:
    windows: list[int] = []
    window = Relay._window

    async def counted(self: Relay, *asked: Any) -> Any:
        records = await window(self, *asked)
        windows.append(len(records))
        return records

    monkeypatch.setattr(relay, "LARGEST_WINDOW", 1)
    monkeypatch.setattr(relay, "MUCH", much)
    monkeypatch.setattr(Relay, "_window", counted)
    await write(bench, 3)
    async with relaying(bench, topic):
        await all_published(bench, moved)
    assert [each for each in windows if each] == [LANES] * 3, "the first event of a lane is never too much"
    assert places(await topic.read()) == {lane: [1, 2, 3] for lane in range(LANES)}


async def test_after_a_failed_send_all_starts_again_from_the_cursors(
    bench: Bench, topic: Any, moved: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(AIOKafkaProducer):  # type: ignore[misc]
        async def send_batch(self, batch: Any, name: str, *, partition: int) -> Any:
            if partition == 2:
                raise KafkaError
            return await super().send_batch(batch, name, partition=partition)

    await write(bench, 2)
    monkeypatch.setattr(relay, "AIOKafkaProducer", Failing)
    with pytest.raises(KafkaError):
        await Relay(bench.database, "till", topic.bootstrap, topic.name).run()
    assert await bench.rows("select sequence, lane % 4 = 2 from chassis.cursors group by 1, 2 order by 1") == [
        (0, True), (2, False),
    ]  # fmt: skip
    monkeypatch.setattr(relay, "AIOKafkaProducer", AIOKafkaProducer)
    async with relaying(bench, topic):
        await all_published(bench, moved)
    assert places(await topic.read()) == {lane: [1, 2] for lane in range(LANES)}


async def test_while_much_follows_the_next_window_is_sent_before_the_one_before_is_answered(
    bench: Bench, topic: Any, moved: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    next_one = asyncio.Event()

    class Holding(AIOKafkaProducer):  # type: ignore[misc]
        async def send_batch(self, batch: Any, name: str, *, partition: int) -> Any:
            sent.append(partition)
            if sent.count(partition) > 1:
                next_one.set()
            answer = await super().send_batch(batch, name, partition=partition)

            async def held() -> Any:
                await next_one.wait()
                return await answer

            return asyncio.ensure_future(held())

    await write(bench, 2)
    monkeypatch.setattr(relay, "AIOKafkaProducer", Holding)
    monkeypatch.setattr(relay, "LARGEST_WINDOW", 1)
    monkeypatch.setattr(relay, "MUCH", 1)
    async with relaying(bench, topic):
        await all_published(bench, moved)
    assert places(await topic.read()) == {lane: [1, 2] for lane in range(LANES)}


async def test_a_window_that_failed_takes_back_the_one_that_was_sent_after_it(
    bench: Bench, topic: Any, moved: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []

    class Failing(AIOKafkaProducer):  # type: ignore[misc]
        async def send_batch(self, batch: Any, name: str, *, partition: int) -> Any:
            sent.append(partition)
            if partition == 2 and sent.count(2) == 1:
                raise KafkaError
            return await super().send_batch(batch, name, partition=partition)

    await write(bench, 3)
    monkeypatch.setattr(relay, "AIOKafkaProducer", Failing)
    monkeypatch.setattr(relay, "LARGEST_WINDOW", 1)
    monkeypatch.setattr(relay, "MUCH", 1)
    with pytest.raises(KafkaError):
        await Relay(bench.database, "till", topic.bootstrap, topic.name).run()
    assert sent.count(2) == 2, "the second window was on its way"
    assert await bench.rows("select sequence, lane % 4 = 2 from chassis.cursors group by 1, 2 order by 1") == [
        (0, True), (1, False),
    ]  # fmt: skip
    async with relaying(bench, topic):
        await all_published(bench, moved)
    lanes = places(await topic.read())
    assert all(numbers[-3:] == [1, 2, 3] for lane, numbers in lanes.items() if lane % 4 == 2)
    assert all(sorted(set(numbers)) == [1, 2, 3] for numbers in lanes.values())
