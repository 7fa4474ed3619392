"""Processes are killed at named points under load; nothing is lost and nothing doubled."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

import httpx
import pytest
import pytest_asyncio

from chassis import points
from tests.faults.model import assert_gapless, counts, expected, found
from tests.rig import SERVICES, Rig, ServiceUnderTest
from tests.shop import Shop, ShopOrder, ico_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATIENCE = 120
"""Seconds until a point is reached, on a slow machine."""
NUMBERS = count(1)
FIRMS = count(1_000_000)
SENT: list[ShopOrder] = []
NOTICES: Counter[str] = Counter()

WRITING = ("counters.locked", "events.written", "commit.before", "commit.after", "states.loaded", "states.saved")
PUBLISHING = ("relay.read", "relay.sent", "relay.acknowledged", "cursor.written")
CONSUMING = ("batch.progress-locked", "states.loaded", "states.saved", "commit.before", "commit.after")
COMMITTING = ("offset.before", "offset.after")
POINTS = {
    "orders": (*WRITING, *PUBLISHING, "intake.stored", "intake.claimed"),
    "loyalty": (*CONSUMING, *COMMITTING),
    "clients": CONSUMING,
    "service-desk": ("batch.progress-locked", "events.written", "commit.after"),
    "automation": ("states.saved", "commit.before", "relay.acknowledged", "offset.before"),
}
ROUNDS = [{service: mine[n] for service, mine in POINTS.items() if n < len(mine)} for n in range(len(POINTS["orders"]))]
"""Every round kills each of its services at a point of its own, under one load."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(rig: Rig) -> AsyncIterator[Shop]:
    async with rig.api("orders") as api:
        yield await Shop.open(api)


async def load(shop: Shop, over: asyncio.Event) -> None:
    """Send orders of new firms, a large one and refunds of halves among them: a dozen, and on until it is over."""
    firms: list[str] = []
    for n in count():
        if n >= 12 and over.is_set():
            return
        if n % 12 == 0:
            firms = [ico_of(next(FIRMS)) for _ in range(6)]
        total = Decimal(60_000) if n % 12 == 7 else Decimal(100 * (n % 12 + 1)) + Decimal("9.99")
        order = ShopOrder(number=next(NUMBERS), total=total, ico=firms[n % 6])
        SENT.append(order)
        await shop.send(order)
        if n % 3 == 0:
            half = ShopOrder(order.number, order.total, order.ico, refunded=order.total / 2, revision=1)
            SENT.append(half)
            await shop.send(half)
        if n >= 12:
            await asyncio.sleep(0.1)  # lint-skip: sleep the pace of a shop, so that the load is none of a flood


async def killed(process: ServiceUnderTest, doing: Callable[[], Awaitable[object]] | None = None) -> None:
    """Wait until a process was killed at its point, meanwhile doing something again and again; then start it anew."""
    assert process.popen
    async with asyncio.timeout(PATIENCE):
        while process.popen.poll() is None:
            if doing:
                await doing()
            await asyncio.sleep(0.05)  # lint-skip: sleep the end of a process is no event of this loop
    assert process.popen.returncode == -signal.SIGKILL, process.last_words()
    process.fault = ""
    await asyncio.to_thread(process.start)


async def with_fault(process: ServiceUnderTest, fault: str) -> None:
    await asyncio.to_thread(process.stop)
    process.fault = fault
    await asyncio.to_thread(process.spawn)


async def assert_true(rig: Rig) -> None:
    await rig.settle()
    assert await found(rig) == expected(SENT, NOTICES)
    await assert_gapless(rig)


@pytest.mark.parametrize("where", ROUNDS, ids=lambda where: ", ".join(map(" at ".join, where.items())))
async def test_killed_at_points(rig: Rig, shop: Shop, where: dict[str, str]) -> None:
    over = asyncio.Event()
    faults = {service: f"{point}:{1 if point in COMMITTING else 3}:kill" for service, point in where.items()}
    await asyncio.gather(*(with_fault(rig.processes[service], fault) for service, fault in faults.items()))
    loading = asyncio.create_task(load(shop, over))
    await asyncio.gather(*(killed(rig.processes[service]) for service in where))
    over.set()
    await loading
    await assert_true(rig)


async def test_killed_while_it_serves_its_feed(rig: Rig, shop: Shop) -> None:
    orders, over = rig.processes["orders"], asyncio.Event()
    await with_fault(orders, "feed.page:3:kill")
    loading = asyncio.create_task(load(shop, over))

    async def ask() -> None:
        with suppress(httpx.TransportError):
            await shop.api.get("/v1/events", params={"lane": 7})

    await killed(orders, ask)
    over.set()
    await loading
    await assert_true(rig)


async def test_killed_when_timers_are_due(rig: Rig, shop: Shop) -> None:
    """Devices were serviced eleven months ago while nobody looked at timers; then somebody does, and dies."""
    over = asyncio.Event()
    over.set()
    await load(shop, over)
    await rig.settle()
    desk = rig.processes["service-desk"]
    await asyncio.to_thread(desk.stop)
    desk.roles = "api,relay"
    await asyncio.to_thread(desk.start)
    await service_devices(rig)
    desk.roles = "api,consume,relay"
    await with_fault(desk, "timer.claimed:1:kill")
    await killed(desk)
    await assert_true(rig)
    assert sum(NOTICES.values()) == 10


async def service_devices(rig: Rig) -> None:
    """Complete a service of ten devices, eleven months and a day ago."""
    icos = {row["id"]: row["ico"] for row in await rig.rows("clients", "select id, ico from clients")}
    devices = await rig.rows("service-desk", "select id, client_id from devices where state = 'active' limit 10")
    done = (datetime.now(UTC) - timedelta(days=336)).isoformat()
    async with rig.api("service-desk") as api:
        for device, client in devices:
            job = await api.post("/v1/service-orders", json={"device_id": str(device), "title": "Roční prohlídka"})
            job.raise_for_status()
            completed = await api.post(f"/v1/service-orders/{job.json()['id']}/complete", json={"completed_at": done})
            completed.raise_for_status()
            NOTICES[icos[client]] += 1


async def test_killed_in_the_middle_of_a_job(rig: Rig, shop: Shop) -> None:
    """A new programme raises everybody: whoever had their turn before the death has no other one."""
    over = asyncio.Event()
    over.set()
    await load(shop, over)
    await rig.settle()
    accounts = await rig.rows("loyalty", "select client_id from accounts where tier <> 'gold' and points > 0")
    said = "select subject, count(*) from chassis.events where type = 'loyalty.tier_reached.v1' group by subject"
    before = await counts(rig, "loyalty", said)
    loyalty = rig.processes["loyalty"]
    await asyncio.to_thread(loyalty.stop)
    loyalty.fault = "job.claimed:9:kill"
    await asyncio.to_thread(loyalty.start)
    async with rig.api("loyalty", "manager") as api:
        changed = await api.put("/v1/programme", json={"rates": {"CZK": "10"}, "tiers": {"silver": 1, "gold": 2}})
        changed.raise_for_status()
    await killed(loyalty)
    await assert_true(rig)
    assert await counts(rig, "loyalty", said) - before == Counter(row["client_id"] for row in accounts)
    assert len(accounts) > 10


BY_OTHER_MEANS = {
    "feed.page": test_killed_while_it_serves_its_feed,
    "timer.claimed": test_killed_when_timers_are_due,
    "job.claimed": test_killed_in_the_middle_of_a_job,
}


async def test_every_point_and_every_service_is_killed_at() -> None:
    under_load = [(service, point) for where in ROUNDS for service, point in where.items()]
    assert {point for _, point in under_load} | set(BY_OTHER_MEANS) == points.POINTS
    assert {service for service, _ in under_load} == set(SERVICES)
