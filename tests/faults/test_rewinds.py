"""What the rows of rewinds do not do: a wrong backup first, one that lost nothing, and who may ask to restate."""

from collections.abc import AsyncIterator
from copy import deepcopy

import httpx
import pytest
import pytest_asyncio

from tests.faults.judge import Verdict, found
from tests.faults.merchant import Merchant
from tests.faults.rows.rewinds import look_over
from tests.faults.setting_back import back_up, set_back
from tests.rig import Rig
from tests.shop import Shop

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def merchant(rig: Rig) -> AsyncIterator[Merchant]:
    async with rig.api("orders") as api:
        yield Merchant(rig, await Shop.open(api))


async def assert_sound(rig: Rig) -> None:
    """All that ``verify`` proves holds, copies against owners included, and nothing is a dead letter."""
    verdict = Verdict()
    await look_over(rig, verdict)
    assert verdict.reasons == []


async def test_the_right_backup_after_the_wrong_one(rig: Rig, merchant: Merchant) -> None:
    """A backup that is too old is restored, business goes on, then a younger one: it never knew what came between."""
    firms = merchant.new_firms(4)
    await merchant.sell(firms)
    await rig.settle()
    older = await back_up(rig, "orders")
    await merchant.sell(firms)
    await rig.settle()
    younger, known = await back_up(rig, "orders"), deepcopy(merchant.inputs)
    await merchant.sell(merchant.new_firms(2))
    await rig.settle()
    await set_back(rig, older)
    await rig.settle()
    await merchant.sell([*firms, *firms])
    await rig.settle()
    await set_back(rig, younger)
    await rig.settle()
    assert await found(rig) == known.truth(merchant.inputs.sent)
    await assert_sound(rig)
    await merchant.send_again()
    await rig.settle()
    assert await found(rig) == merchant.inputs.truth()
    await assert_sound(rig)


async def test_a_backup_that_lost_nothing_is_noticed_and_changes_nothing(rig: Rig, merchant: Merchant) -> None:
    """Nothing was written since the backup and nothing is written afterwards: consumers still learn of it."""
    await merchant.sell(merchant.new_firms(1))
    await rig.settle()
    heads = {name: [tuple(row)[:2] for row in rows] for name, rows in (await rig.standing()).items()}
    await set_back(rig, await back_up(rig, "orders"))
    await rig.settle()
    assert {name: [tuple(row)[:2] for row in rows] for name, rows in (await rig.standing()).items()} == heads
    assert await found(rig) == merchant.inputs.truth()
    await assert_sound(rig)


async def test_the_api_of_an_owner_lets_only_services_ask(rig: Rig) -> None:
    async with rig.api("orders", "admin") as api:
        refused: httpx.Response = await api.post("/v1/events/restate", json={"seen": []})
        assert refused.status_code == 403
