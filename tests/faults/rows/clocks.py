"""Clocks are wrong: each service goes by another time, and then by the right one again."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from tests.faults.row import Draw, Row, under_load
from tests.faults.rows.striking import number, until_struck
from tests.faults.stage import Stage

HOUR = timedelta(hours=1)
BEGINS = "select 1 from chassis.timers where due = $1"
CHANGES = "select count(*) from chassis.events where type = 'loyalty.programme_changed.v1'"


async def wrong_clocks(stage: Stage, random: Draw) -> int:
    """Each database's clock is an hour fast or slow, then the other way round, then right again.

    A programme that is to begin in half an hour begins while loyalty's clock is fast; under each clock operators change
    the programme twice at least. What was written by a clock that was fast is for no later run.
    """
    begins = datetime.now(UTC) + HOUR / 2
    ahead = {name: random.choice((-HOUR, HOUR)) for name in stage.rig.names}

    async def waits() -> bool:
        return bool(await stage.rig.rows("loyalty", BEGINS, begins))

    async def begun() -> bool:
        return not await waits()

    terms = {"rates": {"CZK": "10"}, "tiers": {"silver": 1, "gold": 2}, "valid_from": begins.isoformat()}
    await stage.load.ask("loyalty", "PUT", "/v1/programme", terms)
    await until_struck(waits, "no timer was set")
    for wrong in (ahead, {name: -by for name, by in ahead.items()}):
        await set_clocks(stage, wrong)
        await stage.load.probe()
        if wrong["loyalty"] > timedelta():
            await until_struck(begun, "no timer went by the wrong clock")
        changes = await number(stage, "loyalty", CHANGES)

        async def changed(changes: int = changes) -> bool:
            return await number(stage, "loyalty", CHANGES) >= changes + 2

        await until_struck(changed, "no programme was changed under the wrong clock")
    await set_clocks(stage, dict.fromkeys(ahead, timedelta()))
    return 1


async def set_clocks(stage: Stage, ahead: Mapping[str, timedelta]) -> None:
    """Set the clock of each service's database so much fast; what is below zero is slow."""
    for name, by in ahead.items():
        await stage.rig.rows(name, "update chassis.clock set ahead = $1", by)


ROWS = (
    Row(
        "clock",
        "the time that services go by wrong by an hour, each its own way, forth and back",
        10,
        50,
        under_load(wrong_clocks),
        fresh=True,
    ),
)
