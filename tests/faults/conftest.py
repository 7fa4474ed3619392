"""Three services as processes, and a model of what must be true of their orders that imports nothing of them."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.rig import Rig


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """Give running clients, orders and loyalty, with B2B clients switched on."""
    made = Rig(tmp_path_factory.mktemp("rig"), ("clients", "orders", "loyalty"))
    try:
        await made.start()
        async with made.api("clients", "manager") as api:
            put = await api.put("/v1/settings/b2b-clients", json={"create": True, "default_status": "Nový partner"})
            assert put.status_code == 200, put.text
        yield made
    finally:
        await made.stop()
