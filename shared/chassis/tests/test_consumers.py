"""From Kafka to effects: everything once, strangers set aside, every hole mended from the owner's feed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from aiokafka import ConsumerRecord

from chassis.consume import lane_consumer, topic_reader
from chassis.consume.lane_consumer import LaneConsumer
from chassis.consume.mending import Mender
from chassis.consume.subscription import Subscription
from chassis.consume.topic_reader import TopicReader
from chassis.events.record import Record
from chassis.testing import Bench

Make = Any
CLIENTS = [UUID(int=number) for number in range(1, 31)]
ONE, OTHER = CLIENTS[:2]


async def orders(bench: Bench, placed: Make, clients: Sequence[UUID]) -> list[Record]:
    """Number orders of one crown each, the next ones of their lanes."""
    return await bench.numbered(*(placed(client, 1) for client in clients))


async def totals(bench: Bench) -> dict[UUID, int]:
    """Return what each client's orders came to, where every order was counted once and said once."""
    assert await bench.rows("select * from till where total <> version") == []
    assert await bench.rows("select id from chassis.events group by id having count(*) > 1") == []
    return dict(await bench.rows("select client, total from till where total > 0"))


class Reading:
    """A topic reader that tells when it has applied something."""

    def __init__(self, bench: Bench, owner: Any, prefix: str = "") -> None:
        self.mender = Mender(Subscription(bench.database, bench.service), owner.client())
        self._reader, self._applied = TopicReader(self.mender.subscription, self.mender, prefix), asyncio.Event()

    async def apply(self, topic: str, batch: Sequence[ConsumerRecord]) -> None:
        await self._reader.apply(topic, batch)
        self._applied.set()

    async def until(self, done: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(60):
            while not await done():
                await self._applied.wait()
                self._applied.clear()


def came(record: Record, offset: int = 0, **other: Any) -> ConsumerRecord:
    """Make what aiokafka gives for a record, some of it different."""
    fields = {"key": str(record.key).encode(), "value": record.body, "headers": record.headers(), "timestamp": 1}
    fields |= other
    return ConsumerRecord(
        "orders", record.lane % 4, offset, fields["timestamp"], 0, fields["key"], fields["value"], None, 0, 0,
        fields["headers"],
    )  # fmt: skip


@asynccontextmanager
async def member(topic: Any, reading: Reading) -> AsyncIterator["asyncio.Task[None]"]:
    consumer = LaneConsumer(topic.bootstrap, f"{topic.prefix}till.main", [topic.name], reading.apply)
    task = asyncio.create_task(consumer.run())
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_members_come_and_go_and_everything_is_done_once(
    bench: Bench, topic: Any, owner: Any, placed: Make
) -> None:
    reading, rounds = Reading(bench, owner, topic.prefix), 6
    records = await orders(bench, placed, CLIENTS * rounds)
    owner.write(*records)

    def reached(share: int) -> Callable[[], Awaitable[bool]]:
        async def enough() -> bool:
            return sum((await totals(bench)).values()) >= share * len(CLIENTS)

        return enough

    async with member(topic, reading):
        await topic.send(*records[:60], (1, b"garbage"), (3, None), *records[60:90])
        await reading.until(reached(1))
        async with member(topic, reading):
            await topic.send(*records[90:150])
            await reading.until(reached(5))
        await topic.send(*records[150:])
        await reading.until(reached(rounds))
    assert await totals(bench) == dict.fromkeys(CLIENTS, rounds)
    assert len(await bench.dead_letters()) == 2


async def test_a_topic_made_anew_loses_and_doubles_nothing(bench: Bench, topic: Any, owner: Any, placed: Make) -> None:
    reading = Reading(bench, owner, topic.prefix)
    records = await orders(bench, placed, CLIENTS * 4)
    owner.write(*records)

    async def all_done() -> bool:
        return sum((await totals(bench)).values()) == sent

    sent = len(CLIENTS)
    async with member(topic, reading):
        await topic.send(*records[:sent])
        await reading.until(all_done)
    await topic.drop()
    await topic.make()
    await topic.send(*records[sent:])
    sent = len(records)
    async with member(topic, reading):
        heads = asyncio.create_task(reading.mender.run("orders", 0.2))
        await reading.until(all_done)
        heads.cancel()
    assert await totals(bench) == dict.fromkeys(CLIENTS, 4)


async def test_what_is_not_the_owners_is_set_aside_and_the_lane_goes_on(bench: Bench, owner: Any, placed: Make) -> None:
    def headers(record: Record, **other: bytes | None) -> list[tuple[str, bytes | None]]:
        return [(name, other.get(name, value)) for name, value in record.headers()]

    good = await orders(bench, placed, [ONE] * 2)
    last = good[1]
    strangers: list[dict[str, Any]] = [
        {"headers": []}, {"key": None}, {"key": b"\xff"}, {"key": str(OTHER).encode()}, {"value": None},
        {"headers": [("ce_lane", b"\xff")]}, {"timestamp": 2**62, "headers": []}, {"timestamp": -1, "headers": []},
    ]  # fmt: skip
    strangers += [
        {"headers": headers(last, **{name: value})}
        for name, values in {
            "ce_lane": (b"77", b"-1", b"99999", b"", None), "ce_sequence": (b"0", b"-5", b"1e3", b"9" * 30, None),
            "ce_id": (b"x", b"\xff"), "ce_time": (b"soon",), "ce_hops": (b"-1", b"many"), "ce_type": (b"\xff",),
            "ce_subjectversion": (b"9" * 40,), "ce_actor": (None,), "ce_correlationid": (b"",),
        }.items()
        for value in values
    ]  # fmt: skip
    batch = [came(last, number, **other) for number, other in enumerate(strangers, start=10)]
    reading = Reading(bench, owner)
    await reading.apply("orders", [came(good[0]), *batch, came(last)])
    await reading.apply("orders", batch)
    assert await totals(bench) == {ONE: 2}
    letters = await bench.dead_letters()
    assert len(letters) == len(strangers)
    async with bench.api("manager") as api:
        again = await api.post(f"/v1/dead-letters/{letters[0]['id']}/retry")
        assert (again.status_code, again.json()["type"].rsplit("/", 1)[1]) == (409, "still-refused")


async def test_a_gap_is_mended_from_the_feed_and_waits_for_an_owner_who_is_away(
    bench: Bench, owner: Any, placed: Make
) -> None:
    records = await orders(bench, placed, [ONE] * 30)
    (elsewhere,) = await orders(bench, placed, [OTHER])
    assert elsewhere.lane != records[0].lane
    owner.write(*records, elsewhere)
    reading = Reading(bench, owner)
    await reading.apply("orders", [came(records[0]), came(records[3])])
    assert await totals(bench) == {ONE: 30}
    more = await orders(bench, placed, [ONE] * 3)
    owner.write(*more)
    owner.away = True
    await reading.apply("orders", [came(more[1]), came(elsewhere)])
    assert await totals(bench) == {ONE: 30, OTHER: 1}
    owner.away = False
    await reading.apply("orders", [came(more[2])])
    assert await totals(bench) == {ONE: 33, OTHER: 1}


async def test_a_hole_that_takes_too_long_to_mend_does_not_keep_its_partition(
    bench: Bench, owner: Any, placed: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = await orders(bench, placed, [ONE] * 4)
    owner.write(*records)
    reading = Reading(bench, owner)
    never, asked = asyncio.Event(), list[int]()

    async def mend(_: str, lane: int) -> None:
        asked.append(lane)
        await never.wait()

    with monkeypatch.context() as slow:
        slow.setattr(topic_reader, "MENDED_WITHIN", 0.05)
        slow.setattr(reading.mender, "mend", mend)
        async with asyncio.timeout(60):
            for offset in (0, 2, 3):
                await reading.apply("orders", [came(records[0]), came(records[offset])])
    assert asked == [records[0].lane], "the check of the heads is at it: nobody waits a second time"
    assert await totals(bench) == {ONE: 1}
    for _ in range(2):
        await reading.mender.check_heads("orders")
    assert await totals(bench) == {ONE: 4}


@pytest.mark.parametrize("applied", [0, 40])
async def test_the_heads_show_a_lost_tail_and_a_first_fill(
    bench: Bench, owner: Any, placed: Make, applied: int
) -> None:
    records = await orders(bench, placed, CLIENTS * 3)
    owner.write(*records)
    reading = Reading(bench, owner)
    if applied:
        await reading.apply("orders", [came(record) for record in records[:applied]])
    assert sum((await totals(bench)).values()) == applied
    for _ in range(2):
        await reading.mender.check_heads("orders")
    assert await totals(bench) == dict.fromkeys(CLIENTS, 3)


async def test_a_batch_that_does_not_end_does_not_keep_a_process_from_ending(
    topic: Any, bench: Bench, placed: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_consumer, "CLOSING", 0.1)
    begun = asyncio.Event()

    async def never(_: str, batch: Sequence[ConsumerRecord]) -> None:
        begun.set()
        await asyncio.Event().wait()

    consumer = LaneConsumer(topic.bootstrap, f"{topic.prefix}till.main", [topic.name], never)
    task = asyncio.create_task(consumer.run())
    await topic.send(*await orders(bench, placed, CLIENTS[:1]))
    await begun.wait()
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=60)
    assert done == {task}
