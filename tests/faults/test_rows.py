"""Every row of the table, once and small: what `./klientela faults` does many times.

Two classes of about the same length, because a class is what one of two workers does.
"""

from collections.abc import AsyncIterator
from types import ModuleType

import pytest
import pytest_asyncio

from chassis import points
from tests.faults.row import Draw
from tests.faults.rows import MODULES, ROWS, members, processes, releases, upgrades
from tests.faults.rows.processes import IN_A_ROW, POINTS
from tests.faults.rows.releases import HOW
from tests.faults.rows.rewinds import ASKED, OWNERS
from tests.faults.stage import Theatre
from tests.rig import SERVICES

pytestmark = pytest.mark.asyncio(loop_scope="module")
SEEDS = {"kill-at-point": range(3), "fatal": (HOW.index("kill"), HOW.index("hoard")), "rewind-owner": (len(OWNERS),)}
"""Which runs of a row; the first alone if it is not named. The rewind is a busy one, in which a consumer dies."""
WITHIN = (processes, members, upgrades, releases)
AROUND = tuple(module for module in MODULES if module not in WITHIN)


def runs_of(*modules: ModuleType) -> pytest.MarkDecorator:
    """Every run of the modules' rows; first those that want a fresh stage, so that the others can share one."""
    names = [row.name for module in modules for row in module.ROWS if not row.for_root]
    names.sort(key=lambda name: not ROWS[name].fresh)
    return pytest.mark.parametrize(
        ("name", "seed"), [(name, seed) for name in names for seed in SEEDS.get(name, range(1))], ids=str
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def theatre() -> AsyncIterator[Theatre]:
    made = Theatre()
    yield made
    await made.close()


async def survive(theatre: Theatre, name: str, seed: int) -> None:
    async with theatre.lend(fresh=ROWS[name].fresh) as stage:
        outcome = await ROWS[name].strike(stage, Draw(name, seed, short=True))
        assert outcome.verdict.reasons == []
        assert outcome.times > 0


class TestWithin:
    """The services themselves: killed, frozen, doubled, of another release."""

    @runs_of(*WITHIN)
    async def test_survived(self, theatre: Theatre, name: str, seed: int) -> None:
        await survive(theatre, name, seed)


class TestAround:
    """What they stand on and what they hear: servers, connections, topics, backups, messages."""

    @runs_of(*AROUND)
    async def test_survived(self, theatre: Theatre, name: str, seed: int) -> None:
        await survive(theatre, name, seed)


async def test_every_point_and_every_service_is_struck() -> None:
    first = {point for mine in POINTS.values() for point in mine[: IN_A_ROW * len(SEEDS["kill-at-point"])]}
    assert first | {ASKED} == points.POINTS
    assert set(POINTS) == set(SERVICES)
