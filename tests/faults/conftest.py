"""Five services as processes, selling one device, with B2B clients switched on; and stages on which nothing is real."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio

from tests.faults import stage
from tests.faults.load import Load
from tests.rig import Rig, running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """Give the running services, opened for the load's shops."""
    async with running(tmp_path_factory.mktemp("rig")) as made:
        load = Load(made)
        try:
            await load.open()
        finally:
            await load.close()
        yield made


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give what was made and ended; nothing real is."""
    happened: list[str] = []

    def stand_in(name: str) -> Any:
        @asynccontextmanager
        async def opened(*_: object) -> AsyncIterator[SimpleNamespace]:
            happened.append(name)
            yield SimpleNamespace(load=SimpleNamespace())
            happened.append(f"{name} ends")

        return opened

    monkeypatch.setattr(stage, "a_machine", stand_in("machine"))
    monkeypatch.setattr(stage, "a_stage", stand_in("stage"))
    monkeypatch.setattr(stage, "a_bare_stage", stand_in("bare stage"))
    return happened
