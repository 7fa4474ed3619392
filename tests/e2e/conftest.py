"""All five services as processes, once for the whole folder."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.rig import Rig, running


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def suite(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """Give the running suite."""
    async with running(tmp_path_factory.mktemp("suite")) as rig:
        yield rig
