"""What is trouble of the infrastructure is tried again, and blamed on nobody."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from chassis.consume import subscription
from chassis.consume.mending import Mender
from chassis.consume.retry import Queue, _retry_oldest
from chassis.database import TROUBLE
from chassis.events.unit import Unit
from chassis.testing import Bench
from shared.chassis.tests.conftest import Till, tills

Make = Any


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What is decided together takes too long; gives the sizes that were tried."""
    load, tried = tills.load, list[int]()

    async def slow(unit: Unit, messages: Sequence[Any]) -> Mapping[UUID, Till]:
        tried.append(len(messages))
        if len(messages) > 1:
            await unit.connection.execute("set local statement_timeout = '10ms'")
            await unit.connection.execute("select pg_sleep(5)")
        return await load(unit, messages)

    monkeypatch.setattr(tills, "load", slow)
    return tried


async def test_a_batch_that_takes_too_long_twice_is_done_in_smaller_ones(
    bench: Bench, placed: Make, sizes: list[int]
) -> None:
    await bench.hear(*(placed(uuid4(), 1) for _ in range(4)))
    assert sizes == [4, 4, 2, 2, 1, 1, 2, 2, 1, 1]
    assert await bench.rows("select sum(total)::int, sum(version)::int from till") == [(4, 4)]
    assert await bench.dead_letters() == []


async def test_raw_messages_that_take_too_long_together_are_decided_one_by_one(bench: Bench, sizes: list[int]) -> None:
    await bench.take_in("slip", None, b"1", b"2", b"4")
    assert sizes == [3, 1, 1, 1]
    assert await bench.rows("select total from till") == [(7,)]
    assert await bench.dead_letters() == []


@pytest.mark.parametrize("limit", ["statement_timeout", "transaction_timeout", "idle_in_transaction_session_timeout"])
async def test_what_takes_too_long_is_trouble(bench: Bench, limit: str) -> None:
    connection = await bench.database.connect()
    await connection.execute("select set_config($1, '20ms', false)", limit)
    with pytest.raises(TROUBLE):
        await too_slow(connection)
    connection.terminate()


@pytest.mark.parametrize("state", ["58030", "25006"])
async def test_what_the_server_cannot_do_is_blamed_on_nobody(
    bench: Bench, placed: Make, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    """A disk that fails, a primary that is none any more: for two tries, of two events."""
    load, left = tills.load, [None] * 2

    async def failing(unit: Unit, messages: Sequence[Any]) -> Mapping[UUID, Till]:
        if left:
            left.pop()
            await unit.connection.execute("select set_config('till.state', $1, true)", state)
            await unit.connection.execute(
                "do $$ begin raise exception using errcode = current_setting('till.state'); end $$"
            )
        return await load(unit, messages)

    monkeypatch.setattr(tills, "load", failing)
    await bench.hear(placed(uuid4(), 1), placed(uuid4(), 1))
    assert not left
    assert await bench.rows("select sum(total)::int from till") == [(2,)]
    assert await bench.dead_letters() == []


async def too_slow(connection: Any) -> None:
    async with connection.transaction():
        await connection.fetch("select pg_sleep(0.1)")
        await asyncio.sleep(0.1)  # lint-skip: sleep nothing is done within a transaction
        await connection.fetch("select 1")


async def test_only_the_parked_event_that_failed_is_given_up(bench: Bench, placed: Make) -> None:
    """Another process may have decided it meanwhile; the next one is the oldest now, and was never tried."""
    client = uuid4()
    await bench.hear(placed(client, 13), placed(client, 2))
    ((failed,),) = await bench.rows("select min(number) from chassis.parked")
    await bench.rows("delete from chassis.parked where number = $1", failed)
    queue = Queue("main", "count", client)
    assert await _retry_oldest(bench.database, bench.service, {queue}, [], only=failed, give_up="fails alone") == 0
    assert await bench.rows("select count(*) from chassis.parked") == [(1,)]
    assert await bench.dead_letters() == []


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"items": [{"id": 7}]}),
        httpx.Response(200, json=[]),
    ],
    ids=["500", "no JSON", "of another release", "no object"],
)
async def test_a_lane_that_cannot_be_mended_keeps_no_other_from_it(
    bench: Bench, owner: Any, placed: Make, answer: httpx.Response
) -> None:
    owner.broken = answer
    clients = [UUID(int=number) for number in range(1, 31)]
    records = await bench.numbered(*(placed(client, 1) for client in clients))
    owner.write(*records)
    owner.broken_lane = min(record.lane for record in records)
    mender = Mender(subscription.Subscription(bench.database, bench.service), owner.client())
    for _ in range(2):
        await mender.check_heads("orders")
    mended = {record.key for record in records if record.lane != owner.broken_lane}
    assert {row["client"] for row in await bench.rows("select client from till")} == mended != set(clients)
