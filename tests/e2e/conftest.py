"""All five services as processes, once for the whole folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.rig import SERVICES, Rig


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def suite(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """Give the running suite."""
    folder: Path = tmp_path_factory.mktemp("suite")
    rig = Rig(folder, SERVICES)
    try:
        await rig.start()
        yield rig
    finally:
        await rig.stop()
