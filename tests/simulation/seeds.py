"""Runs seeds, one after the other, in the same two databases."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace

import chassis.consume.subscription
from chassis.database import Database
from chassis.run.start import seed as begin
from tests.simulation.judge import Side, check_strangers, judge
from tests.simulation.process import Stock
from tests.simulation.toys import TABLES, make_book, make_till
from tests.simulation.world import World

HANGS_AFTER = 20


async def run_seeds(seeds: Sequence[int], dsns: dict[str, str], stories: list[str] | None = None) -> str:
    """Run seeds until one fails; return what went wrong, or nothing. Whoever wants the ``stories`` gives a list."""
    vars(chassis.consume.subscription)["asyncio"] = SimpleNamespace(sleep=_no_time)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # answers that a dead relay did not wait for
    services = {"till": make_till(), "book": make_book(set())}
    identities = {name: await _begin(services[name], dsn) for name, dsn in dsns.items()}
    stocks = {name: Stock(dsn) for name, dsn in dsns.items()}
    sides = {name: Side(await stock.take()) for name, stock in stocks.items()}
    try:
        for side in sides.values():
            await side.begin()
        for seed in seeds:
            world = World(seed, stocks, identities)
            if wrong := await run_seed(world, sides):
                return f"seed {seed}: {wrong}"
            if stories is not None:
                stories.append("\n".join([f"seed {seed}", *world.story, f"and then {world.chance.random()}"]))
    finally:
        for name, side in sides.items():
            await stocks[name].give_back(side.connection)
        for stock in stocks.values():
            await stock.close()
    return ""


async def run_seed(world: World, sides: dict[str, Side]) -> str:
    """Run one seed and judge it."""
    try:
        async with asyncio.timeout(HANGS_AFTER):
            await world.run()
        for side in sides.values():
            await side.read()
        judge(sides["till"], sides["book"], world.written, world.undone, world.torn)
        check_strangers(sides["book"], world.strangers, all_there=world.quiet)
    except Exception as wrong:  # noqa: BLE001 - whatever it is, its seed and its steps tell how to see it again
        steps = "\n  ".join(world.story)
        return f"{type(wrong).__name__}: {wrong}\nIts steps:\n  {steps}"
    finally:
        for machine in world.machines.values():
            await machine.close()
    return ""


async def _begin(service: object, dsn: str) -> str:
    database = Database(dsn, size=2)
    await database.open()
    await begin(database, service)  # type: ignore[arg-type]
    await database.pool.execute(TABLES)
    await database.close()
    return database.identity


async def _no_time(_: float) -> None:
    """Trouble is waited out in no time."""
