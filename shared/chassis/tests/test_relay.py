"""The relay on a real Kafka: every lane in its order, from cursors that only the holder of the lock may move."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from chassis.database import TROUBLE, Database
from chassis.events import relay
from chassis.events.lanes import LANES
from chassis.events.relay import Relay
from chassis.events.unit import command_cause, unit_of_work
from chassis.testing import Bench
from schemas.loyalty import Account, PointsEarned
from shared.chassis.tests.publishing import KEYS, UNMOVED, all_published, places, relaying, write

Make = Any


async def test_what_is_written_by_a_clock_that_is_days_fast_is_published(
    bench: Bench, topic: Any, moved: asyncio.Event
) -> None:
    await bench.rows("update chassis.clock set ahead = interval '3 days'")
    await write(bench, 1)
    async with relaying(bench, topic):
        await all_published(bench, moved)


async def test_all_lanes_are_published_each_in_its_order_the_largest_event_too(
    bench: Bench, topic: Any, moved: asyncio.Event, placed: Make
) -> None:
    large = placed(KEYS[0], 1)
    room = 512 * 1024 - len(large.model_dump_json()) - 10
    large = type(large)(order=large.order.model_copy(update={"external_id": large.order.external_id + "x" * room}))
    async with unit_of_work(bench.database, "till") as unit:
        unit.publish(large)
    await write(bench, 3)
    async with relaying(bench, topic):
        await all_published(bench, moved)
        await write(bench, 1)
        await all_published(bench, moved)
    found = await topic.read()
    assert places(found) == {lane: list(range(1, 5 + (lane == 0))) for lane in range(LANES)}
    written = {record.id: record.body for record in await bench.records()}
    assert {UUID(dict(record.headers)["ce_id"].decode()): record.value for record in found} == written


async def test_what_is_sent_has_the_headers_of_its_record_whoever_did_it(
    bench: Bench, topic: Any, moved: asyncio.Event
) -> None:
    account = Account(client_id=KEYS[0], points=1, tier="bronze", version=7)
    for actor in ("", "key:Jiří \x1f x", "key:ž\x1f"):
        async with unit_of_work(bench.database, "till", command_cause(actor)) as unit:
            unit.publish(PointsEarned(account=account, points=1))
    await bench.rows("update chassis.events set causation = null where sequence = 2")
    async with relaying(bench, topic):
        await all_published(bench, moved)
    records = await bench.records()
    assert [list(record.headers) for record in await topic.read()] == [record.headers() for record in records]
    assert {record.actor for record in records} == {"", "key:Jiří \x1f x", "key:ž\x1f"}


async def test_a_partition_that_never_answers_keeps_no_other_and_is_sent_again(
    bench: Bench, topic: Any, moved: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    producers = []

    class Silent(AIOKafkaProducer):  # type: ignore[misc]
        async def send_batch(self, batch: Any, name: str, *, partition: int) -> Any:
            producers.append(self)
            if partition == 2:
                self._sender._muted_partitions.add(TopicPartition(name, 2))
            return await super().send_batch(batch, name, partition=partition)

    await write(bench, 1)
    with monkeypatch.context() as silent:
        silent.setattr(relay, "AIOKafkaProducer", Silent)
        silent.setattr(relay, "ANSWERED_WITHIN", 1)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(Relay(bench.database, "till", topic.bootstrap, topic.name).run(), 30)
    assert await bench.rows(UNMOVED) == [(2,)]
    assert producers[0]._sender.sender_task.done(), "nobody goes on trying"
    async with relaying(bench, topic):
        await all_published(bench, moved)
    assert places(await topic.read()) == {lane: [1] for lane in range(LANES)}


async def test_a_relay_whose_session_ends_before_the_cursors_move_moves_none(
    bench: Bench, topic: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another relay may have the lock by now: what the broker has answered is sent again."""
    sessions: list[Any] = []
    connect = Database.connect

    async def noted(database: Database) -> Any:
        sessions.append(await connect(database))
        return sessions[-1]

    def cut(point: str) -> None:
        if point == "relay.acknowledged":
            sessions[-1].terminate()

    await write(bench, 1)
    monkeypatch.setattr(Database, "connect", noted)
    monkeypatch.setattr(relay, "reach", cut)
    with pytest.raises((asyncpg.InterfaceError, asyncpg.PostgresError)):
        await Relay(bench.database, "till", topic.bootstrap, topic.name).run()
    assert await bench.rows("select distinct sequence from chassis.cursors") == [(0,)]


async def test_a_relay_that_lost_its_lock_moves_nothing_and_the_other_takes_over(
    bench: Bench, topic: Any, moved: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf = cut_before_cursors(bench, monkeypatch)
    async with relaying(bench, topic) as first:
        await write(bench, 1)
        await all_published(bench, moved)
        async with relaying(bench, topic) as second:
            await write(bench, 1)
            await all_published(bench, moved)
            assert not second.done()
            deaf.set()
            await write(bench, 1)
            with pytest.raises(TROUBLE):
                await asyncio.wait_for(first, 30)
            await all_published(bench, moved)
    lanes = places(await topic.read())
    assert {tuple(dict.fromkeys(numbers)) for numbers in lanes.values()} == {(1, 2, 3)}
    assert {tuple(numbers[:2]) for numbers in lanes.values()} == {(1, 2)}


def cut_before_cursors(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Once the signal is set, end the session that holds the lock between the broker's answer and the cursors."""
    cut, move = asyncio.Event(), relay._move_cursors

    async def moving(session: Any, records: Any) -> None:
        if cut.is_set():
            cut.clear()
            before = await bench.rows("select * from chassis.cursors order by lane")
            await bench.rows("select pg_terminate_backend($1)", session.get_server_pid())
            try:
                await move(session, records)
            finally:
                assert await bench.rows("select * from chassis.cursors order by lane") == before
        await move(session, records)

    monkeypatch.setattr(relay, "_move_cursors", moving)
    return cut


async def test_without_a_broker_nothing_moves(bench: Bench) -> None:
    await write(bench, 1)
    with pytest.raises(KafkaError):
        await Relay(bench.database, "till", "127.0.0.1:9", "nowhere").run()
    assert await bench.rows("select distinct sequence from chassis.cursors") == [(0,)]
    assert await bench.rows(
        "select count(*) from pg_locks where locktype = 'advisory' and database ="
        " (select oid from pg_database where datname = current_database())"
    ) == [(0,)]
