"""A shop and a person at work on one suite, who remember what they sent and said."""

from decimal import Decimal
from itertools import count
from typing import Any

from tests.faults.inputs import LARGE, NOBODY, Inputs
from tests.faults.operators import service_devices
from tests.rig import Rig
from tests.shop import Shop, ShopOrder, ico_of


class Merchant:
    """Sells to firms that nobody else sells to, under numbers of its own."""

    def __init__(self, rig: Rig, shop: Shop) -> None:
        self.rig, self.shop, self.inputs = rig, shop, Inputs()
        self._numbers, self._firms = count(1_000_000), count(2_000_000)

    def new_firms(self, number: int) -> list[str]:
        """Return the IČO of firms that are not known yet."""
        return [ico_of(next(self._firms)) for _ in range(number)]

    async def sell(self, firms: list[str]) -> None:
        """Sell to firms, large and small, paid and not, and give some of it back."""
        for n, ico in enumerate(firms):
            total = LARGE + 10 if n == 1 else Decimal(1_009)
            order = ShopOrder(next(self._numbers), total, ico, paid=n != 2)
            await self.send(order)
            if n == 3:
                await self.send(ShopOrder(order.number, order.total, ico, refunded=order.total, revision=1))

    async def send(self, order: ShopOrder) -> None:
        """Send an order until it is taken."""
        self.inputs.sent.append(order)
        await self.shop.send(order, patience=120)

    async def send_again(self) -> None:
        """Send everything that was ever sent, as a shop is asked to after a restore."""
        for order in self.inputs.sent:
            await self.shop.send(order, patience=120)

    async def service_devices(self, ico: str) -> None:
        """Complete a service of each device of a firm."""
        (client,) = await self.rig.rows("clients", "select id from clients where ico = $1", ico)
        self.inputs.notices[ico] += await service_devices(self._ask, str(client["id"]))

    async def say_whose(self, ico: str, owner: str) -> None:
        """Link the identity of a firm to another firm's client, or nobody's; wait until that has come everywhere."""
        ids = {row["ico"]: row["id"] for row in await self.rig.rows("clients", "select ico, id from clients")}
        (identity,) = await self.rig.rows("clients", "select id from identities where value = $1", ico)
        whose = {"client_id": str(ids[owner])} if owner != NOBODY else None
        await self._ask("clients", "PUT" if whose else "DELETE", f"/v1/identities/{identity['id']}/client", whose)
        self.inputs.owners[ico] = owner
        await self.rig.settle()

    async def _ask(self, service: str, method: str, path: str, body: object = None, **query: str) -> Any:
        async with self.rig.api(service) as api:
            answer = await api.request(method, path, json=body, params=query)
            return answer.raise_for_status().json()
