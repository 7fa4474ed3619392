"""A process is killed at a named point under load; nothing is lost and nothing doubled."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from decimal import Decimal
from itertools import count

import pytest
import pytest_asyncio

from tests.faults.model import assert_gapless, expected, found
from tests.rig import Rig
from tests.shop import FIRMS, Shop, ShopOrder

pytestmark = pytest.mark.asyncio(loop_scope="module")
NUMBERS = count(1)
SENT: list[ShopOrder] = []

WRITING = ("counters.locked", "events.written", "commit.before", "commit.after", "states.loaded", "states.saved")
PUBLISHING = ("relay.read", "relay.sent", "relay.acknowledged", "cursor.written")
CONSUMING = ("batch.progress-locked", "states.loaded", "states.saved", "commit.before", "commit.after")
COMMITTING = ("offset.before", "offset.after")
POINTS = [
    *(("orders", point) for point in (*WRITING, *PUBLISHING, "intake.stored", "intake.claimed")),
    *(("loyalty", point) for point in (*CONSUMING, *COMMITTING)),
    *(("clients", point) for point in CONSUMING),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(rig: Rig) -> AsyncIterator[Shop]:
    async with rig.api("orders") as api:
        yield await Shop.open(api)


async def load(shop: Shop, orders: int = 12) -> None:
    """Send new orders, and for every third one a refund of a half."""
    for n in range(orders):
        total = Decimal(100 * (n + 1)) + Decimal("9.99")
        order = ShopOrder(number=next(NUMBERS), total=total, ico=FIRMS[n % len(FIRMS)])
        SENT.append(order)
        await shop.send(order)
        if n % 3 == 0:
            half = ShopOrder(order.number, order.total, order.ico, refunded=order.total / 2, revision=1)
            SENT.append(half)
            await shop.send(half)


async def ended(process: subprocess.Popen[bytes] | None, patience: float = 60) -> None:
    assert process
    await asyncio.to_thread(process.wait, patience)


@pytest.mark.parametrize(("service", "point"), POINTS)
async def test_killed_at_a_point(rig: Rig, shop: Shop, service: str, point: str) -> None:
    process = rig.processes[service]
    await asyncio.to_thread(process.stop)
    process.fault = f"{point}:{1 if point in COMMITTING else 3}:kill"
    await asyncio.to_thread(process.spawn)
    loading = asyncio.create_task(load(shop))
    await ended(process.popen)
    process.fault = ""
    await asyncio.to_thread(process.start)
    await loading
    await rig.settle()
    assert await found(rig) == expected(SENT)
    await assert_gapless(rig)
