"""What a shop may send that is not an order: refused at the door, or kept and marked; nothing is half-written."""

from decimal import Decimal
from uuid import uuid4

import pytest

from tests.e2e.asking import get, state_of_everything
from tests.rig import Rig
from tests.shop import Shop, ShopOrder

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_the_channel_refuses_what_is_not_the_shops(suite: Rig) -> None:
    async with suite.api("orders") as api:
        shop = await Shop.open(api)
        await suite.settle()
        before = await state_of_everything(suite)
        good = ShopOrder(number=90, total=Decimal("1.00")).body()
        wrong = await shop.post(good, **{"X-WC-Webhook-Signature": "bm90IGl0"})
        assert 400 <= wrong.status_code < 500
        shop.path, path = f"/v1/webhooks/{uuid4()}", shop.path
        assert (await shop.post(good)).status_code == 404
        shop.path = path
        assert 400 <= (await shop.post(b"{not json")).status_code < 500
        assert (await shop.post(b"x" * 10_000_000)).status_code == 413
    assert await state_of_everything(suite) == before


async def test_a_bad_ico_keeps_the_order_without_a_client(suite: Rig) -> None:
    async with suite.api("orders") as api:
        shop = await Shop.open(api)
        await shop.send(ShopOrder(number=30, total=Decimal("10.00"), ico="25596640"))
    await suite.settle()
    (order,) = (await get(suite, "orders", "/v1/orders", external_id="30", channel_id=shop.channel))["items"]
    assert order["client_id"] is None
    assert order["warnings"]
