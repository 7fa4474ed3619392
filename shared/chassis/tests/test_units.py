"""A unit of work: state and events in one transaction, numbered without gaps in the order of commits."""

import asyncio
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio
import structlog

from chassis.consume import subscription
from chassis.consume.progress import move_progress
from chassis.database import Database
from chassis.errors import EventTooLarge
from chassis.events import partitions
from chassis.events.incarnations import IdentityChanged
from chassis.events.unit import PartitionMissing, unit_of_work
from chassis.testing import Bench
from schemas.ids import derive
from schemas.loyalty import Account, PointsEarned
from schemas.orders import OrderPlaced

Make = Any
CLIENT = UUID(int=5)
WRITERS, UNITS = 16, 20


def earned(client: UUID) -> PointsEarned:
    return PointsEarned(account=Account(client_id=client, points=1, tier="bronze", version=1), points=1)


@pytest_asyncio.fixture
async def crowd(bench: Bench) -> AsyncIterator[Database]:
    """Give the bench's database with room for many writers at once."""
    database = Database(bench.database._dsn, size=WRITERS)
    await database.open()
    yield database
    await database.close()


async def test_many_writers_leave_no_gap_and_nobody_sees_8_before_7(bench: Bench, crowd: Database) -> None:
    chance = random.Random(7)  # noqa: S311 - a seed that can be run again
    keys = [uuid4() for _ in range(60)]
    written = 0

    async def write() -> None:
        nonlocal written
        for _ in range(UNITS):
            mine = chance.sample(keys, chance.randint(1, 6))
            with suppress(ArithmeticError):
                async with unit_of_work(crowd, "till") as unit:
                    unit.publish(*(earned(key) for key in mine))
                    if chance.random() < 0.05:
                        await unit.finish()
                        _ = 1 / 0
                written += len(mine)

    async def look() -> int:
        looks = 0
        while not writing.done():
            assert await bench.rows("select lane from chassis.events group by 1 having count(*) < max(sequence)") == []
            looks += 1
        return looks

    writing = asyncio.gather(*(write() for _ in range(WRITERS)))
    _, looks = await asyncio.gather(writing, look())
    assert looks > 1
    heads = await bench.rows("select lane, head from chassis.counters where head > 0 order by lane")
    assert heads == await bench.rows("select lane, max(sequence) from chassis.events group by lane order by lane")
    assert sum(head for _, head in heads) == written


async def test_an_event_over_512_kb_is_refused_and_nothing_is_written(bench: Bench, placed: Make) -> None:
    small = placed(CLIENT, 1)
    large = OrderPlaced(order=small.order.model_copy(update={"external_id": "x" * 512 * 1024}))

    async def write() -> None:
        async with unit_of_work(bench.database, "till") as unit:
            await unit.connection.execute("insert into note values ('lost')")
            unit.publish(small, large)

    with pytest.raises(EventTooLarge):
        await write()
    assert await bench.records() == []
    assert await bench.rows("select * from note") == []


async def test_another_identity_begins_one_incarnation_of_all_lanes(bench: Bench) -> None:
    keys = [UUID(int=number) for number in range(40)]
    async with unit_of_work(bench.database, "till") as unit:
        unit.publish(*(earned(key) for key in keys))
    before = dict(await bench.rows("select lane, head from chassis.counters"))
    first = (await bench.records())[0].incarnation
    refused = 0

    async def write(key: UUID) -> None:
        nonlocal refused
        try:
            async with unit_of_work(restored, "till") as unit:
                unit.publish(earned(key))
        except IdentityChanged:
            refused += 1
            await write(key)

    restored = Database(bench.database._dsn, size=8, stamp="restored")
    await restored.open()
    await asyncio.gather(*(write(key) for key in keys[:8]))
    await restored.close()
    began = await bench.rows("select lane, number, from_sequence from chassis.incarnations where number > $1", first)
    (later,) = {number for _, number, _ in began}
    assert {lane: start - 1 for lane, _, start in began} == before
    records = [record for record in await bench.records() if record.sequence > before[record.lane]]
    assert [record.incarnation for record in records] == [later] * 8
    assert refused >= 1


async def test_ids_of_derived_events_are_the_same_when_a_cause_is_folded_again(
    bench: Bench, placed: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    (record,) = await bench.numbered(placed(uuid4(), 3))
    tries = iter([asyncpg.SerializationError("once")])

    async def failing(*args: Any) -> None:
        for error in tries:
            raise error
        await move_progress(*args)

    monkeypatch.setattr(subscription, "move_progress", failing)
    await bench.hear_records(record)
    (written,) = await bench.records()
    assert written.id == derive(record.id, "count", "loyalty.points_earned.v1", 0)


async def test_a_writer_without_a_partition_makes_it_and_may_try_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "PARTITION_ROWS", 10)
    await bench.rows("drop table chassis.events_0, chassis.events_1")
    async with bench.database.pool.acquire() as connection:
        await partitions.ensure_partitions(connection)
    client, missing = uuid4(), 0
    for _ in range(5):
        for _ in range(2):
            try:
                async with unit_of_work(bench.database, "till") as unit:
                    unit.publish(*[earned(client)] * 7)
            except PartitionMissing:
                missing += 1
            else:
                break
    assert [record.sequence for record in await bench.records()] == list(range(1, 36))
    assert missing == 2
    assert await bench.rows("select count(*) from pg_inherits where inhparent = 'chassis.events'::regclass") == [(4,)]


async def test_logs_of_a_failing_batch_quote_nobody(bench: Bench, placed: Make) -> None:
    secret = "Jan Tajný"
    first, unreadable, refused = await bench.numbered(*(placed(CLIENT, 2_000_000_000) for _ in range(3)))
    body = unreadable.body.replace(b'"CZK"', f'["{secret}"]'.encode())
    with structlog.testing.capture_logs() as logs:
        await bench.hear_records(first, unreadable._replace(body=body), refused._replace(actor=f"{secret}\x00"))
    assert [log["event"] for log in logs].count("dead letter") == 2
    assert "batch failed" in {log["event"] for log in logs}
    assert secret not in str(logs)
    assert "2000000000" not in str(logs)


def test_errors_of_libraries_are_logged_by_kind_and_place_only() -> None:
    program = (
        "import logging; from chassis.run.logs import configure_logs; configure_logs('json', 'till')\n"
        "try:\n    raise ValueError('Jan Tajný')\n"
        "except ValueError:\n    logging.getLogger('asyncpg').exception('it broke')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603 - our own words
    assert "it broke" in done.stderr
    assert "ValueError" in done.stderr
    assert "Tajný" not in done.stderr
    assert "Tajn\\u00fd" not in done.stderr
