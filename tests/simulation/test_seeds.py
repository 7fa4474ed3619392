"""Seeds of chance: whatever happens on the way, at the end every event is applied once and in order."""

import asyncio
import logging
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import asyncpg
import pytest
import structlog

from chassis.database import run_formatted
from chassis.testing import drop_database, dsn_of, new_database
from tests.simulation.seeds import run_seeds
from tests.simulation.toys import make_book, make_till

USUAL = 10_000
WORKERS = 2
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


async def test_whatever_happens_every_event_is_applied_once_and_in_order(request: pytest.FixtureRequest) -> None:
    one = request.config.getoption("--seed", None)
    many = request.config.getoption("--seeds", None) or USUAL
    seeds = [one] if one is not None else list(range(many))
    made = [await databases() for _ in range(min(WORKERS, len(seeds)))]
    loop = asyncio.get_running_loop()
    try:
        with ProcessPoolExecutor(len(made), get_context("spawn")) as workers:
            parts = [
                loop.run_in_executor(
                    workers, run, seeds[n :: len(made)], {who: dsn_of(name) for who, name in each.items()}
                )
                for n, each in enumerate(made)
            ]
            wrong = [found for found in await asyncio.gather(*parts) if found]
    finally:
        for each in made:
            for name in each.values():
                await drop_database(name)
    assert not wrong, "\n".join(wrong) + "\nAlone: ./klientela test tests/simulation --seed N"
