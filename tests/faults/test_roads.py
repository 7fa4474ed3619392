"""Kafka may lose, repeat and forget, processes may freeze: the owners' logs mend every hole, nothing comes twice."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from decimal import Decimal
from itertools import count

import asyncpg
import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient

from chassis.database import run_formatted
from chassis.testing import server_dsn
from klientela.ports import free_ports
from tests.faults.model import assert_gapless, expected, found
from tests.rig import Rig, ServiceUnderTest, until
from tests.shop import FIRMS, Shop, ShopOrder

pytestmark = pytest.mark.asyncio(loop_scope="module")
NUMBERS = count(1)
SENT: list[ShopOrder] = []
BELIEVED_PUBLISHED = "update chassis.cursors c set sequence = head from chassis.counters h where h.lane = c.lane"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(rig: Rig) -> AsyncIterator[Shop]:
    async with rig.api("orders") as api:
        yield await Shop.open(api)


async def load(shop: Shop, orders: int = 12) -> None:
    for n in range(orders):
        order = ShopOrder(number=next(NUMBERS), total=Decimal(100 * (n + 1)), ico=FIRMS[n % len(FIRMS)])
        SENT.append(order)
        await shop.send(order)


async def assert_true(rig: Rig) -> None:
    await rig.settle()
    assert await found(rig) == expected(SENT)
    await assert_gapless(rig)


async def stop(*processes: ServiceUnderTest) -> None:
    await asyncio.gather(*(asyncio.to_thread(process.stop) for process in processes))


async def start(*processes: ServiceUnderTest) -> None:
    await asyncio.gather(*(asyncio.to_thread(process.start) for process in processes))


async def frozen(process: ServiceUnderTest) -> None:
    """Wait until a process has stopped itself at its point."""

    async def stopped() -> bool:
        return process.process.status() == "stopped"

    await until(stopped)


async def delete_topics(rig: Rig) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=rig.bootstrap)
    await admin.start()
    await admin.delete_topics([topic for topic in await admin.list_topics() if topic.startswith(rig.prefix)])

    async def gone() -> bool:
        return not any(topic.startswith(rig.prefix) for topic in await admin.list_topics())

    await until(gone)
    await admin.close()


async def test_a_gap_is_mended_from_the_feed(rig: Rig, shop: Shop) -> None:
    """The relay believes published what Kafka never got; the next records show the hole."""
    orders = rig.processes["orders"]
    await stop(orders)
    orders.roles = "api,consume"
    await start(orders)
    await load(shop)
    await until_intake_is_empty(rig)
    await rig.rows("orders", BELIEVED_PUBLISHED)
    await stop(orders)
    orders.roles = "api,consume,relay"
    await start(orders)
    await load(shop)
    await assert_true(rig)


async def test_a_lost_tail_is_seen_by_the_heads(rig: Rig, shop: Shop) -> None:
    """Nothing follows what Kafka lost: only the owner's heads tell that something is missing."""
    orders = rig.processes["orders"]
    await stop(orders)
    orders.roles = "api,consume"
    await start(orders)
    await load(shop, 3)
    await until_intake_is_empty(rig)
    await rig.rows("orders", BELIEVED_PUBLISHED)
    await stop(orders)
    orders.roles = "api,consume,relay"
    await start(orders)
    await assert_true(rig)


async def test_topics_made_anew_lose_and_double_nothing(rig: Rig, shop: Shop) -> None:
    """Offsets begin again at zero, and what was on its way is gone."""
    await load(shop)
    await stop(*rig.processes.values())
    await delete_topics(rig)
    await rig.make_topics()
    await start(*rig.processes.values())
    await load(shop)
    await assert_true(rig)


async def test_a_service_that_lost_its_database_is_filled_again(rig: Rig, shop: Shop) -> None:
    """A first fill: the topics are empty, the owners' logs are not."""
    await load(shop)
    await rig.settle()
    await stop(*rig.processes.values())
    await delete_topics(rig)
    await rig.make_topics()
    server = await asyncpg.connect(server_dsn())
    await run_formatted(server, "drop database %I with (force)", rig.databases["loyalty"])
    await run_formatted(server, "create database %I", rig.databases["loyalty"])
    await server.close()
    await start(*rig.processes.values())
    await assert_true(rig)


@pytest.mark.parametrize("point", ["relay.read", "relay.sent", "relay.acknowledged", "cursor.written"])
async def test_a_thawed_relay_beside_its_successor_does_no_harm(rig: Rig, shop: Shop, point: str) -> None:
    """A relay freezes, loses its session, another one takes over; then the first thaws and goes on."""
    orders = rig.processes["orders"]
    await stop(orders)
    orders.fault = f"{point}:2:stop"
    await asyncio.to_thread(orders.spawn)
    loading = asyncio.create_task(load(shop))
    await frozen(orders)
    await rig.rows(
        "orders",
        "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and database ="
        " (select oid from pg_database where datname = current_database())",
    )
    second = rig.member("orders", free_ports(1)[0])
    await start(second)
    orders.process.send_signal(signal.SIGCONT)
    orders.fault = ""
    try:
        await loading
        await assert_true(rig)
    finally:
        await stop(second)


@pytest.mark.parametrize("point", ["batch.progress-locked", "states.saved", "commit.before", "commit.after"])
async def test_a_rebalance_in_mid_batch_applies_everything_once(rig: Rig, shop: Shop, point: str) -> None:
    """A member freezes within a batch, another one joins and takes its partitions; then the first thaws."""
    loyalty = rig.processes["loyalty"]
    await stop(loyalty)
    loyalty.fault = f"{point}:2:stop"
    await asyncio.to_thread(loyalty.spawn)
    loading = asyncio.create_task(load(shop))
    await frozen(loyalty)
    second = rig.member("loyalty", free_ports(1)[0])
    await asyncio.to_thread(second.spawn)
    try:
        await loading
        loyalty.process.send_signal(signal.SIGCONT)
        loyalty.fault = ""
        await until_ready(second)
        await load(shop)
        await assert_true(rig)
    finally:
        await stop(second)


async def test_two_creators_of_one_ico_make_one_client(rig: Rig, shop: Shop) -> None:
    """An operator and forty orders, all at once, of a firm that nobody knew."""
    ico = "63999714"
    async with rig.api("clients") as clients, asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(clients.post("/v1/clients", json={"name": "Nová firma", "kind": "company", "ico": ico}))
        for _ in range(40):
            order = ShopOrder(number=next(NUMBERS), total=Decimal(50), ico=ico)
            SENT.append(order)
            group.create_task(shop.send(order))
        for _ in range(4):
            group.create_task(clients.post("/v1/clients", json={"name": "Nová firma", "kind": "company", "ico": ico}))
    await assert_true(rig)


async def until_intake_is_empty(rig: Rig) -> None:
    async def empty() -> bool:
        return not (await rig.rows("orders", "select 1 from chassis.intake where state = 0 limit 1"))

    await until(empty)


async def until_ready(process: ServiceUnderTest) -> None:
    async def ready() -> bool:
        with suppress(OSError):
            return await asyncio.to_thread(process.answers)
        return False

    await until(ready, 60)
