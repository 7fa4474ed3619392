"""What rows strike with: waits until the fault is there, other releases, a second process beside the first."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from klientela.ports import free_ports
from klientela.processes import ManagedProcess
from tests.faults.row import NotStruck
from tests.faults.stage import Stage
from tests.rig import ServiceUnderTest, until

PATIENCE = 90
"""Seconds until a point is reached, on a slow machine."""


async def until_struck(
    condition: Callable[[], Awaitable[bool]], else_what: str, error: type[Exception] = NotStruck
) -> None:
    """Wait for what makes a strike one. Raises NotStruck, or what is worse than that, if it never comes."""
    try:
        await until(condition, PATIENCE)
    except TimeoutError:
        raise error(else_what) from None


async def killed(process: ServiceUnderTest) -> None:
    """Wait until a process was killed at its point. Raises NotStruck when it ended otherwise, or not at all."""

    async def ended() -> bool:
        return process.popen is not None and process.popen.poll() is not None

    await until_struck(ended, f"{process.name} never came to {process.fault}")
    if process.popen is None or process.popen.returncode != -signal.SIGKILL:
        message = f"{process.name} was not killed at {process.fault}.{process.last_words()}"
        raise NotStruck(message)


async def answering(process: ManagedProcess, patience: float = 120) -> None:
    """Wait until a process answers; one that ended for want of something is started again, as a supervisor does."""
    async with asyncio.timeout(patience):
        while not await asyncio.to_thread(process.answers):
            if not process.running:
                process.spawn()
            await asyncio.sleep(0.2)  # lint-skip: sleep processes give no other signal


@asynccontextmanager
async def second(stage: Stage, *names: str, module: str = "chassis") -> AsyncIterator[list[ServiceUnderTest]]:
    """A second process of services, of this release or of another one, within."""
    others = [stage.rig.member(name, port) for name, port in zip(names, free_ports(len(names)), strict=True)]
    for other in others:
        other.module = module
    try:
        await asyncio.gather(*(asyncio.to_thread(other.start) for other in others))
        yield others
    finally:
        await asyncio.gather(*(asyncio.to_thread(other.stop) for other in others))


async def roll(process: ServiceUnderTest, module: str) -> None:
    """Stop one release of a service and start another one."""
    await asyncio.to_thread(process.stop)
    process.module = module
    await asyncio.to_thread(process.start)


async def number(stage: Stage, service: str, sql: str) -> int:
    """Return the one number that is asked of a service."""
    return int((await stage.rig.rows(service, sql))[0][0])
