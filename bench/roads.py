"""The roads by which orders come into a suite, as fast as it takes them, and a person who works on what they sold."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

from bench.arrivals import at_once
from bench.at_work import Suite
from bench.posting import lines, post
from klientela.importing.sending import UNDER_WAY
from klientela.importing.wire import MOST_ORDERS
from tests.faults.producer import canonical
from tests.shop import ShopOrder

HANDS = 32
"""Webhooks under way at a time."""
AGO = timedelta(days=336)
"""A device wants care every twelve months, and its client is told a month before."""
Road = Callable[[Sequence[ShopOrder]], Awaitable[None]]


async def by_kafka(suite: Suite) -> Road:
    """Write orders to ``intake.orders``."""

    async def send(orders: Sequence[ShopOrder]) -> None:
        suite.load.producer.give(orders)
        all_given = asyncio.Event()
        all_given.set()
        await suite.load.producer.write(all_given)

    return send


async def by_import(suite: Suite) -> Road:
    """Send batches to a channel of imports, as large and as many at a time as `klientela import` does."""
    made = await suite.load.ask("orders", "POST", "/v1/channels", {"kind": "import", "name": "History"})

    async def send(orders: Sequence[ShopOrder]) -> None:
        key = suite.key()
        batches = [
            json.dumps({"orders": [canonical(order) for order in orders[start : start + MOST_ORDERS]]}).encode()
            for start in range(0, len(orders), MOST_ORDERS)
        ]
        requests = [post(f"/v1/channels/{made['id']}/orders", batch, key) for batch in batches]
        async with lines(suite.base("orders"), UNDER_WAY) as opened:
            await at_once(len(requests), UNDER_WAY, lambda number: opened.send(requests[number]))

    return send


async def by_webhook(suite: Suite) -> Road:
    """Send webhooks, always as many at a time."""

    async def send(orders: Sequence[ShopOrder]) -> None:
        webhooks = [suite.webhook(order) for order in orders]
        async with lines(suite.base("orders"), HANDS) as opened:
            await at_once(len(webhooks), HANDS, lambda number: opened.send(webhooks[number]))

    return send


async def service_devices(suite: Suite) -> None:
    """Open and complete a service of each device that had none, so long ago that its client is told at once."""
    devices = await suite.looking["service-desk"].fetch("select id from devices where last_service_at is null")
    key = suite.key()
    completed = json.dumps({"completed_at": (datetime.now(UTC) - AGO).isoformat()}).encode()
    async with lines(suite.base("service-desk"), UNDER_WAY) as opened:

        async def service(number: int) -> None:
            wanted = {"device_id": str(devices[number]["id"]), "title": "Prohlídka"}
            job = json.loads(await opened.send(post("/v1/service-orders", json.dumps(wanted).encode(), key)))
            await opened.send(post(f"/v1/service-orders/{job['id']}/complete", completed, key))

        await at_once(len(devices), UNDER_WAY, service)
