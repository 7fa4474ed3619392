"""Parts that run for ever: whatever ends one is a failure, so that it is started again."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from chassis.run.parts import PartEnded, for_ever


async def returns() -> None:
    return


async def is_cancelled_from_inside() -> None:
    """What comes out of aiokafka's ``stop`` when a fetch was waiting for Kafka to come back."""
    waiting = asyncio.get_running_loop().create_future()
    waiting.cancel()
    await waiting


async def fails() -> None:
    raise OSError


@pytest.mark.parametrize(
    ("part", "error"), [(returns, PartEnded), (is_cancelled_from_inside, PartEnded), (fails, OSError)]
)
async def test_a_part_that_ends_ends_its_group_with_an_error(
    part: Callable[[], Awaitable[None]], error: type[Exception]
) -> None:
    async def beside() -> None:
        await asyncio.Event().wait()

    with pytest.RaisesGroup(error):
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            group.create_task(beside())
            group.create_task(for_ever(part()))


async def test_a_part_that_is_cancelled_by_us_is_cancelled() -> None:
    task = asyncio.create_task(for_ever(asyncio.Event().wait()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
