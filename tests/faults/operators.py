"""People at work on the suite: they move orders, set statuses, change the programme and service devices."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from tests.faults.inputs import NOBODY, Inputs

NEEDED, RESERVE = 5, 6
"""So many firms an operator needs, and so many are left to whoever begins to work later."""
STATUSES = ("Klient se slevou", "Nový partner")
PROGRAMMES = ((3_000, 10_000), (200, 700), (50, 1_000))
"""Points for silver and gold."""


Ask = Callable[..., Awaitable[Any]]
"""Asks a service (its name, a method, a path, a body or None, and a query by name) until it answers; returns that."""


class Operators:
    """Those who work on firms with which nobody else is busy: ``free`` are those that have what they bought."""

    def __init__(self, ask: Ask, inputs: Inputs) -> None:
        self.ask, self.inputs = ask, inputs
        self.free: list[str] = []
        self._programme = asyncio.Lock()

    async def work(self, random: Random, channel: str, over: asyncio.Event, pause: float) -> None:
        """One operator, once at least and until it is over; who finds no firm that is free has nothing to do."""
        if len(self.free) < NEEDED:
            return
        giver, taker, other, owned, owner = (self.free.pop() for _ in range(NEEDED))
        numbers = [order.number for order in self.inputs.sent if order.ico == giver and order.revision == 0]
        for n in count():
            await self._assign(channel, random.choice(numbers), [taker, NOBODY, giver][n % 3])
            await self._link_identity(owned, [owner, NOBODY, owned][n % 3])
            await self._set_status(other, STATUSES[n % 2])
            await self._change_programme(random)
            if self.free and (n == 0 or len(self.free) > RESERVE):
                await self._service_devices(self.free.pop())
            if over.is_set():
                return
            await asyncio.sleep(pause)  # lint-skip: sleep the pace of a person

    async def _assign(self, channel: str, number: int, ico: str) -> None:
        """Give an order to a client, or to nobody."""
        wanted = {"channel_id": channel, "external_id": str(number)}
        order = (await self.ask("orders", "GET", "/v1/orders", **wanted))["items"][0]["id"]
        whose = {"client_id": await self._client(ico), "overwrite_billing": True} if ico else None
        await self.ask("orders", "PUT" if whose else "DELETE", f"/v1/orders/{order}/client", whose)
        self.inputs.moved[number] = ico

    async def _set_status(self, ico: str, status: str) -> None:
        await self.ask("clients", "PUT", f"/v1/clients/{await self._client(ico)}/status", {"status": status})
        self.inputs.statuses[ico] = status

    async def _change_programme(self, random: Random) -> None:
        """Change the tiers: a job over all accounts, in all lanes."""
        async with self._programme:
            now = (self.inputs.silver, self.inputs.gold)
            silver, gold = random.choice([each for each in PROGRAMMES if each != now])
            wanted = {"rates": {"CZK": "10"}, "tiers": {"silver": silver, "gold": gold}}
            await self.ask("loyalty", "PUT", "/v1/programme", wanted)
            self.inputs.silver, self.inputs.gold = silver, gold

    async def _link_identity(self, ico: str, owner: str) -> None:
        """Link a firm's identity, and all orders with it, to a client, or to nobody."""
        (identity,) = (await self.ask("clients", "GET", "/v1/identities", value=ico))["items"]
        whose = {"client_id": await self._client(owner)} if owner else None
        await self.ask("clients", "PUT" if whose else "DELETE", f"/v1/identities/{identity['id']}/client", whose)
        self.inputs.owners[ico] = owner

    async def _service_devices(self, ico: str) -> None:
        self.inputs.notices[ico] += await service_devices(self.ask, await self._client(ico))

    async def _client(self, ico: str) -> str:
        return str((await self.ask("clients", "GET", "/v1/clients", ico=ico))["items"][0]["id"])


async def service_devices(ask: Ask, client: str) -> int:
    """Complete a service of each device of a client eleven months ago: its timer is due at once. Return how many."""
    devices = (await ask("service-desk", "GET", "/v1/devices", None, client_id=client))["items"]
    active = [device for device in devices if device["state"] == "active"]
    for device in active:
        wanted = {"device_id": device["id"], "title": "Prohlídka"}
        job = await ask("service-desk", "POST", "/v1/service-orders", wanted)
        done = {"completed_at": (datetime.now(UTC) - timedelta(days=340)).isoformat()}
        await ask("service-desk", "POST", f"/v1/service-orders/{job['id']}/complete", done)
    return len(active)
