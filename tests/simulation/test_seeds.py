"""Seeds of chance: whatever happens on the way, at the end every event is applied once and in order."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from difflib import unified_diff
from multiprocessing import get_context
from typing import TypeVar

import asyncpg
import pytest
import structlog

from chassis.database import run_formatted
from chassis.testing import drop_database, dsn_of, new_database
from tests.simulation.seeds import run_seeds
from tests.simulation.toys import make_book, make_till

USUAL, TOLD_TWICE = 10_000, 40
WORKERS = 2
T = TypeVar("T")
QUICK = (
    "alter database %I set synchronous_commit = off",
    "alter database %I set plan_cache_mode = force_generic_plan",
    "alter database %I set jit = off",
)


async def databases() -> dict[str, str]:
    made = {}
    for service in (make_till(), make_book(set())):
        made[service.name] = name = await new_database(service)
        server = await asyncpg.connect(dsn_of(name))
        for setting in QUICK:
            await run_formatted(server, setting, name)
        await server.close()
    return made


def run(seeds: list[int], dsns: dict[str, str]) -> str:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    return asyncio.run(run_seeds(seeds, dsns))


def tell(seeds: list[int], dsns: dict[str, str]) -> list[str]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    stories: list[str] = []
    assert not asyncio.run(run_seeds(seeds, dsns, stories))
    return stories


async def in_workers(work: Callable[..., T], shares: list[list[int]]) -> list[T]:
    """Do each share in a process, and on databases, of its own."""
    made = [await databases() for _ in shares]
    loop = asyncio.get_running_loop()
    try:
        with ProcessPoolExecutor(len(made), get_context("spawn")) as workers:
            parts = [
                loop.run_in_executor(workers, work, share, {who: dsn_of(name) for who, name in each.items()})
                for share, each in zip(shares, made, strict=True)
            ]
            return await asyncio.gather(*parts)
    finally:
        for each in made:
            for name in each.values():
                await drop_database(name)


async def test_whatever_happens_every_event_is_applied_once_and_in_order(request: pytest.FixtureRequest) -> None:
    one = request.config.getoption("--seed", None)
    many = request.config.getoption("--seeds", None) or USUAL
    seeds = [one] if one is not None else list(range(many))
    wrong = [
        found for found in await in_workers(run, [seeds[n::WORKERS] for n in range(min(WORKERS, len(seeds)))]) if found
    ]
    assert not wrong, "\n".join(wrong) + "\nAlone: ./klientela test tests/simulation --seed N"


async def test_a_seed_tells_the_same_story_each_time() -> None:
    """Every choice and every draw of chance is the same, whatever the databases' answers take."""
    once, again = await in_workers(tell, [list(range(TOLD_TWICE))] * 2)
    for one, other in zip(once, again, strict=True):
        assert one == other, "\n".join(unified_diff(one.splitlines(), other.splitlines(), lineterm=""))
