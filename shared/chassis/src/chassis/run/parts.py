"""Parts of a process that run for ever: one that ends by itself has failed, however quietly."""

import asyncio
from collections.abc import Awaitable


class PartEnded(Exception):
    """A part ended that never should: it returned, or was cancelled by nobody of ours."""


async def for_ever(part: Awaitable[object]) -> None:
    """Run a part until it is cancelled. Raises what it fails with, and PartEnded when it ends otherwise.

    A library may cancel what nobody has asked it to, as aiokafka's ``stop`` does with fetches while Kafka is away; a
    task group takes a cancelled task for a good end, and goes on without it.
    """
    try:
        await part
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task and task.cancelling():
            raise
        raise PartEnded from error
    raise PartEnded
