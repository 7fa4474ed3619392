"""What a process died in is done one by one; what ends three alone is a dead letter; who lives has not died."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from chassis.consume.attempts import BEGIN, SOLE, Suspect, attempted
from chassis.consume.subscription import Subscription
from chassis.events.unit import Unit
from chassis.run.watchdog import EXIT_CODE
from chassis.testing import Bench
from schemas.ids import derive
from schemas.orders import OrderPaid
from shared.chassis.tests.conftest import CLIENT

Make = Any
BLOCKED = """
import asyncio, time
from chassis.run.watchdog import Watchdog

async def main():
    with Watchdog(0.3, every=0.1):
        await asyncio.sleep(0.6)
        time.sleep({blocked})

asyncio.run(main())
"""


async def died_in(bench: Bench, work: str, place: object, times: int, *, alone: bool, sole: bool | None = None) -> None:
    """Leave what processes leave that were killed in an attempt, at which they had nothing else in hand if ``sole``."""
    for _ in range(times):
        process = uuid4()
        await bench.rows(BEGIN, [work], [str(place)], process, alone)
        await bench.rows(SOLE, work, process, alone if sole is None else sole)


async def test_a_batch_in_which_a_process_died_is_done_one_by_one(bench: Bench, placed: Make) -> None:
    records = await bench.numbered(*(placed(CLIENT, 1) for _ in range(5)))
    await died_in(bench, f"main/orders/{records[0].lane}", records[0].position, 1, alone=False)
    await bench.hear_records(*records)
    assert await bench.rows("select total from till") == [(5,)]
    assert await bench.rows("select place, alone, deaths from chassis.attempts") == [
        (str(records[-1].position), True, 0)
    ]
    assert await bench.dead_letters() == []


async def test_what_ended_three_processes_alone_is_a_dead_letter(bench: Bench, placed: Make) -> None:
    first, bad, last = await bench.numbered(placed(CLIENT, 1), placed(CLIENT, 2), placed(CLIENT, 4))
    await bench.hear_records(first)
    work = f"main/orders/{bad.lane}"
    await died_in(bench, work, bad.position, 1, alone=False)
    await died_in(bench, work, bad.position, 3, alone=True)
    await bench.hear_records(first, bad, last)
    assert await bench.rows("select total from till") == [(5,)]
    (letter,) = await bench.dead_letters()
    assert letter["reason"] == "it ended the process 3 times"


@pytest.mark.parametrize("deaths", [0, 1, 2])
async def test_fewer_deaths_are_borne(bench: Bench, placed: Make, deaths: int) -> None:
    (record,) = await bench.numbered(placed(CLIENT, 1))
    await died_in(bench, f"main/orders/{record.lane}", record.position, deaths, alone=True)
    await bench.hear_records(record)
    assert await bench.dead_letters() == []
    assert await bench.rows("select total from till") == [(1,)]


async def test_who_died_beside_another_one_is_not_blamed(bench: Bench, placed: Make) -> None:
    (record,) = await bench.numbered(placed(CLIENT, 1))
    await died_in(bench, f"main/orders/{record.lane}", record.position, 9, alone=True, sole=False)
    await bench.hear_records(record)
    assert await bench.dead_letters() == []
    assert await bench.rows("select total from till") == [(1,)]


async def test_a_suspect_is_tried_with_nothing_else_in_hand(bench: Bench) -> None:
    """It waits for what is in hand, and what comes later waits for it."""
    await died_in(bench, "suspect", "place", 1, alone=True)
    said = []

    async def attempt(work: str, meanwhile: Callable[[], Awaitable[object]]) -> None:
        async with attempted(bench.database, work, ["place"]):
            said.append(f"{work} in hand")
            await meanwhile()
            said.append(f"{work} done")

    async def suspect_waits() -> None:
        group.create_task(attempt("suspect", late_waits))
        ours = "select 1 from chassis.attempts where work = 'suspect' and process = $1"
        async with asyncio.timeout(60):
            while not await bench.rows(ours, bench.database.process):
                pass
        await turns(bench)

    async def late_waits() -> None:
        group.create_task(attempt("late", lambda: turns(bench)))
        await turns(bench)

    async with asyncio.TaskGroup() as group:
        group.create_task(attempt("first", suspect_waits))
    assert said == [f"{work} {what}" for work in ("first", "suspect", "late") for what in ("in hand", "done")]
    assert await bench.rows("select deaths, sole from chassis.attempts where work = 'suspect'") == [(1, False)]


async def test_an_attempt_lasts_until_it_is_committed(
    bench: Bench, placed: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is decided may still end the process while its events are written, and has to be blamed for that."""
    (record,) = await bench.numbered(placed(CLIENT, 1))
    await died_in(bench, f"main/orders/{record.lane}", record.position, 1, alone=True)
    proper, seen = Unit.finish, list[Any]()

    async def finish(unit: Unit) -> bool:
        seen.extend(await bench.rows("select deaths, sole from chassis.attempts"))
        return await proper(unit)

    monkeypatch.setattr(Unit, "finish", finish)
    await bench.hear_records(record)
    assert seen == [(1, True)]
    assert await bench.rows("select sole from chassis.attempts") == [(False,)]


async def turns(bench: Bench) -> None:
    """Give others time enough for what they could do if they did not wait."""
    for _ in range(20):
        await bench.rows("select 1")


async def test_the_same_process_may_try_as_often_as_it_likes(bench: Bench) -> None:
    for _ in range(9):
        async with attempted(bench.database, "work", ["place"]) as lost:
            assert lost == ""


async def test_who_lives_to_say_so_has_not_died(bench: Bench) -> None:
    with pytest.raises(ArithmeticError):
        async with attempted(bench.database, "work", ["a", "b"]):
            raise ArithmeticError
    bench.database.process = uuid4()
    async with attempted(bench.database, "work", ["a", "b"]) as lost:
        assert lost == ""
    bench.database.process = uuid4()
    with pytest.raises(Suspect):
        async with attempted(bench.database, "work", ["a", "b"]):
            pass


@pytest.mark.parametrize("deaths", [0, 1])
async def test_what_waits_parked_is_not_blamed_for_processes_that_ended_well(
    bench: Bench, placed: Make, deaths: int
) -> None:
    await bench.hear(placed(CLIENT, 13))
    (parked,) = await bench.rows("select handler, key, number from chassis.parked")
    await died_in(bench, f"parked/{parked['handler']}/{parked['key']}", parked["number"], deaths, alone=True)
    for _ in range(5):
        bench.database.process = uuid4()
        await bench.retry_parked()
    assert await bench.rows("select 1 from chassis.attempts where work like 'parked/%'") == []
    assert len(await bench.rows("select 1 from chassis.parked")) == 1


async def test_a_crash_of_the_database_forgets_attempts(bench: Bench) -> None:
    """An unlogged table is emptied by recovery, so that nobody is blamed for the server's death."""
    kept = "select relpersistence::text from pg_class where oid = 'chassis.attempts'::regclass"
    assert await bench.rows(kept) == [("u",)]


async def test_a_timer_that_ended_three_processes_is_a_dead_letter_and_the_next_one_fires(
    bench: Bench, paid: Make
) -> None:
    await bench.hear(paid(CLIENT, 1))
    (timer,) = await bench.rows("select lane, kind, subject, due from chassis.timers")
    firing = derive("timer", timer["kind"], timer["subject"], timer["due"])
    await died_in(bench, f"timers/{timer['lane']}", firing, 3, alone=True)
    await bench.fire_timers()
    (letter,) = await bench.dead_letters()
    assert (letter["handler"], letter["reason"]) == ("wake", "it ended the process 3 times")
    await bench.rows("delete from chassis.timers")
    later = paid(CLIENT, 1)
    placed_at = later.order.placed_at + timedelta(days=1)
    await bench.hear(OrderPaid(order=later.order.model_copy(update={"placed_at": placed_at})))
    await bench.fire_timers()
    assert len(await bench.dead_letters()) == 1
    assert await bench.rows("select total from till") == [(1,)]


async def test_a_raw_message_in_a_batch_in_which_a_process_died(bench: Bench) -> None:
    await died_in(bench, "intake", 1, 1, alone=False)
    await bench.take_in("slip", None, b"1", b"2", b"4")
    assert await bench.rows("select total from till") == [(7,)]
    assert await bench.dead_letters() == []


@pytest.mark.parametrize("place", [0, 250, 499])
async def test_one_that_cannot_be_saved_among_500_is_found_by_halving(
    bench: Bench, placed: Make, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    tries = 0
    proper = Subscription._transaction

    async def counted(*args: Any, **more: Any) -> set[int]:
        nonlocal tries
        tries += 1
        return await proper(*args, **more)

    monkeypatch.setattr(Subscription, "_transaction", counted)
    amounts = [1] * 500
    amounts[place] = 2**31
    await bench.hear(*(placed(uuid4(), amount) for amount in amounts))
    (letter,) = await bench.dead_letters()
    assert letter["reason"] == "fails alone, and again"
    assert await bench.rows("select sum(total)::int from till") == [(499,)]
    assert tries <= 2 * 9 + 3


@pytest.mark.parametrize(("blocked", "code"), [(0, 0), (30, EXIT_CODE)])
async def test_a_process_that_stands_still_ends_itself(blocked: int, code: int) -> None:
    program = [sys.executable, "-c", BLOCKED.format(blocked=blocked)]
    done = await asyncio.to_thread(subprocess.run, program, check=False, timeout=60, capture_output=True)
    assert done.returncode == code, done.stderr


async def test_an_attempt_is_noted_though_all_connections_of_the_pool_are_held(bench: Bench) -> None:
    """Or those who hold them wait for their own notes, and requests that wait for them take what is left."""
    async with AsyncExitStack() as held, asyncio.timeout(30):
        for _ in range(bench.database.pool.get_max_size()):
            await held.enter_async_context(bench.database.pool.acquire())
        async with attempted(bench.database, "main/orders/1", ["1:1"], comes_again=True) as lost:
            assert not lost


async def test_who_dies_in_a_batch_of_many_lanes_is_found_whichever_of_them_comes_first(bench: Bench) -> None:
    """After a start partitions come in another order: the batch in which a process died begins elsewhere."""
    many = {f"main/orders/{lane}": f"1:{lane}" for lane in range(3)}
    await died_in(bench, "main/orders/1", "1:1", 1, alone=False)
    bench.database.process = uuid4()
    with pytest.raises(Suspect):
        async with attempted(bench.database, dict(reversed(many.items())), ["a", "b", "c"]):
            pass
    async with attempted(bench.database, {"main/orders/2": "1:2"}, ["1:2"]) as lost:
        assert not lost
