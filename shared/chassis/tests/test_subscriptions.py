"""Handlers of later releases have a subscription of their own, from the beginning or from now on."""

from typing import Any
from uuid import UUID

import pytest

from chassis.consume.mending import Mender
from chassis.consume.progress import begin_progress
from chassis.consume.subscription import Subscription
from chassis.events.incarnations import begin_incarnation
from chassis.service import Service, Starts
from chassis.testing import Bench
from schemas.orders import OrderPaid, OrderPlaced
from shared.chassis.tests.conftest import CLIENT, tills
from shared.chassis.tests.stand_ins import Owner

Make = Any
HEARD: list[UUID] = []


def later(starts: Starts) -> Service:
    service = Service("till", states=(tills,))

    @service.on(OrderPaid, state=tills)
    def old(till: object, paid: OrderPaid) -> None:
        raise AssertionError

    @service.on(OrderPlaced, state=tills, starts=starts)
    def hear_later(till: object, placed: OrderPlaced) -> None:
        HEARD.append(placed.order.id)

    return service


def test_each_subscription_sees_its_own_handlers() -> None:
    service = later("now")
    assert service.subscriptions() == {"main": None, "hear_later": "now"}
    assert set(service.part("hear_later").event_types()) == {OrderPlaced.event_type}
    assert OrderPlaced.event_type not in service.part("main").event_types()


@pytest.mark.parametrize(("starts", "heard"), [("beginning", 5), ("now", 2)])
async def test_where_a_new_handler_starts(bench: Bench, placed: Make, owner: Owner, starts: Starts, heard: int) -> None:
    HEARD.clear()
    service = later(starts)
    records = await bench.numbered(*(placed(CLIENT, 1) for _ in range(5)))
    owner.write(*records[:3])
    mender = Mender(Subscription(bench.database, service, "hear_later"), owner.client())
    await mender.begin("orders", starts)
    owner.write(*records[3:])
    await mender.begin("orders", starts)  # a second start changes nothing
    for _ in range(2):
        await mender.check_heads("orders")
    wanted = [record.subject for record in records[-heard:]]
    assert wanted == HEARD


async def test_the_status_tells_of_the_subscription_that_is_furthest_behind(bench: Bench) -> None:
    bench.service = later("beginning")
    for name, at in (("main", 7), ("hear_later", 3), ("of_another_release", 1)):
        await bench.rows(
            "insert into chassis.progress (subscription, source, lane, incarnation, sequence)"
            " values ($1, 'orders', 1, 1, $2) on conflict (subscription, source, lane) do update set"
            " incarnation = 1, sequence = excluded.sequence",
            name,
            at,
        )
    async with bench.api() as api:
        assert (await api.get("/v1/status")).json()["progress"]["orders"]["1"] == "1:3"


def test_two_handlers_of_one_name_are_refused() -> None:
    service = Service("till", states=(tills,))

    @service.on(OrderPaid, state=tills)
    def one(till: object, paid: OrderPaid) -> None:
        """Decide something."""

    first = one

    with pytest.raises(ValueError, match="two handlers of till are called one"):

        @service.on(OrderPlaced, state=tills)
        def one(till: object, placed: OrderPlaced) -> None:  # type: ignore[misc]
            """Decide something else."""

    service.on(OrderPlaced, state=tills)(first)


async def test_a_start_waits_for_no_batch_that_is_under_way(bench: Bench) -> None:
    """Its process may be frozen while it writes, and nobody cuts that off for a minute."""
    async with bench.database.pool.acquire() as frozen, bench.database.pool.acquire() as starting:
        await begin_progress(frozen, "main", ["orders"])
        await starting.execute("set lock_timeout = '1s'")
        async with frozen.transaction():
            await frozen.execute("update chassis.progress set sequence = sequence + 1")
            await frozen.execute("update chassis.counters set head = head + 1")
            await begin_incarnation(starting, bench.database.identity)
            await begin_progress(starting, "main", ["orders", "clients"])
    assert await bench.rows("select count(*) from chassis.progress where source = 'clients'") == [(48,)]


async def test_another_owner_is_followed_from_its_beginning_beside_those_known(bench: Bench) -> None:
    async with bench.database.pool.acquire() as connection:
        for owners in (["one"], ["one", "other"], ["third"]):
            await begin_progress(connection, "later", owners)
    rows = await bench.rows("select count(*) from chassis.progress where subscription = 'later' group by source")
    assert rows == [(48,)] * 3
