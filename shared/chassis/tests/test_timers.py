"""Timers under company: units that set and cancel them meanwhile, and two schedulers at once."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from chassis.consume.timers import fire_due
from chassis.effects import CancelTimer, SetTimer
from chassis.events.lanes import lane_of
from chassis.events.unit import unit_of_work
from chassis.testing import Bench
from schemas.event import Event

Make = Callable[[UUID, int], Event]
LATER = datetime.now(UTC) + timedelta(days=400)


async def waits_for_a_lock(bench: Bench) -> None:
    """Return once somebody in the bench's database waits for a row."""
    async with asyncio.timeout(60):
        while not (
            await bench.rows(
                "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
            )
        ):
            pass


@pytest.mark.parametrize("said", ["cancelled", "set anew"])
async def test_a_timer_that_its_state_gives_up_meanwhile_does_not_fire(bench: Bench, paid: Make, said: str) -> None:
    client, other = uuid4(), uuid4()
    await bench.hear(paid(client, 5), paid(other, 5))
    async with unit_of_work(bench.database, "till") as unit:
        await unit.connection.execute("select from till where client = $1 for update", client)
        firing = asyncio.create_task(fire_due(bench.database, bench.service))
        await waits_for_a_lock(bench)
        effect = CancelTimer("reminder", client) if said == "cancelled" else SetTimer("reminder", client, LATER)
        unit.publish(effect)
    await firing
    assert dict(await bench.rows("select client, total from till")) == {client: 0, other: 1}
    assert len(await bench.rows("select 1 from chassis.timers")) == (said == "set anew")
    assert await bench.dead_letters() == []


async def test_two_schedulers_at_once_fire_each_timer_once(bench: Bench, paid: Make) -> None:
    clients = [uuid4() for _ in range(300)]
    await bench.hear(*(paid(client, 5) for client in clients))
    async with asyncio.TaskGroup() as schedulers:
        for _ in range(4):
            schedulers.create_task(fire_due(bench.database, bench.service))
    await fire_due(bench.database, bench.service)
    assert dict(await bench.rows("select client, total from till")) == dict.fromkeys(clients, 1)
    assert await bench.rows("select 1 from chassis.timers") == []
    assert await bench.dead_letters() == []


async def test_a_timer_waits_in_the_lane_of_what_it_will_tell(bench: Bench) -> None:
    subject, owner, later_owner = uuid4(), uuid4(), uuid4()
    for key in (owner, later_owner, None):
        async with unit_of_work(bench.database, "till") as unit:
            unit.publish(SetTimer("reminder", subject, LATER, key))
        assert await bench.rows("select lane from chassis.timers") == [(lane_of(key or subject),)]


async def test_a_bad_timer_is_a_dead_letter_and_the_others_fire(bench: Bench, paid: Make) -> None:
    clients = [uuid4() for _ in range(3)]
    await bench.hear(*(paid(client, 5) for client in clients))
    await bench.rows("update till set total = 2147483647 where client = $1", clients[1])
    await bench.fire_timers()
    totals = dict(await bench.rows("select client, total from till"))
    assert totals == {clients[0]: 1, clients[1]: 2147483647, clients[2]: 1}
    assert [letter["type"] for letter in await bench.dead_letters()] == ["timer:reminder"]
    assert await bench.rows("select 1 from chassis.timers") == []
