"""Five services as processes, selling one device, with B2B clients switched on."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.faults.load import DEVICE
from tests.rig import SERVICES, Rig


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """Give the running services; what a shop sells is a device."""
    made = Rig(tmp_path_factory.mktemp("rig"), SERVICES)
    try:
        await made.start()
        async with made.api("clients", "manager") as clients, made.api("orders", "manager") as orders:
            for put in (
                await clients.put("/v1/settings/b2b-clients", json={"create": True, "default_status": "Nový partner"}),
                await orders.put("/v1/products/K-1", json=DEVICE),
            ):
                assert put.is_success, put.text
        yield made
    finally:
        await made.stop()
