"""Every row of the table, once and small: what `./klientela faults` does many times.

A class is what one of two workers does at a time; who is done with one takes the next, and the longest come first.
"""

from collections.abc import AsyncIterator
from types import ModuleType, SimpleNamespace
from typing import cast
from unittest.mock import AsyncMock

import pytest
import pytest_asyncio

from chassis import points
from tests.faults.row import Draw, NotStruck
from tests.faults.rows import MODULES, ROWS, members, processes, releases, servers, wire
from tests.faults.rows.fatal import HOW
from tests.faults.rows.processes import IN_A_ROW, POINTS
from tests.faults.rows.rewinds import ASKED, OWNERS
from tests.faults.stage import Theatre
from tests.rig import SERVICES, ServiceUnderTest

pytestmark = pytest.mark.asyncio(loop_scope="module")
SEEDS = {"kill-at-point": range(3), "fatal": (HOW.index("kill"), HOW.index("hoard")), "rewind-owner": (len(OWNERS),)}
"""Which runs of a row; the first alone if it is not named. The rewind is a busy one, in which a consumer dies."""
WITHIN, SERVERS = (processes, members, releases), (servers, wire)
HEARD = tuple(module for module in MODULES if module not in WITHIN + SERVERS)


def runs_of(*modules: ModuleType, alone: bool = False) -> pytest.MarkDecorator:
    """Every run of the modules' rows that share a stage, or have each its own, or none.

    Not those for root, of which each makes a second machine: they take a minute.
    """
    rows = [row for module in modules for row in module.ROWS if not row.for_root]
    names = [row.name for row in rows if (row.fresh or row.bare) == alone]
    return pytest.mark.parametrize(
        ("name", "seed"), [(name, seed) for name in names for seed in SEEDS.get(name, range(1))], ids=str
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def theatre() -> AsyncIterator[Theatre]:
    made = Theatre()
    yield made
    await made.close()


async def survive(theatre: Theatre, name: str, seed: int) -> None:
    """Survive a run; one that does not come to strike, as under a short load it may not, is made once more."""
    try:
        await survive_once(theatre, name, seed)
    except NotStruck:
        await survive_once(theatre, name, seed)


async def survive_once(theatre: Theatre, name: str, seed: int) -> None:
    row = ROWS[name]
    async with theatre.lend(fresh=row.fresh, bare=row.bare) as stage:
        outcome = await row.strike(stage, Draw(name, seed, short=True))
        assert outcome.verdict.reasons == []
        assert outcome.times > 0
        assert len(outcome.struck) in {0, outcome.times}


class TestAlone:
    """What leaves something behind that is for no other run."""

    @runs_of(*MODULES, alone=True)
    async def test_survived(self, theatre: Theatre, name: str, seed: int) -> None:
        await survive(theatre, name, seed)


class TestWithin:
    """The services themselves: killed, frozen, doubled, of another release."""

    @runs_of(*WITHIN)
    async def test_survived(self, theatre: Theatre, name: str, seed: int) -> None:
        await survive(theatre, name, seed)


class TestHeard:
    """What they hear: topics, messages, members that come between."""

    @runs_of(*HEARD)
    async def test_survived(self, theatre: Theatre, name: str, seed: int) -> None:
        await survive(theatre, name, seed)


class TestServers:
    """What they stand on: servers and connections."""

    @runs_of(*SERVERS)
    async def test_survived(self, theatre: Theatre, name: str, seed: int) -> None:
        await survive(theatre, name, seed)


async def test_every_point_and_every_service_is_struck() -> None:
    first = {point for mine in POINTS.values() for point in mine[: IN_A_ROW * len(SEEDS["kill-at-point"])]}
    assert first | {ASKED} == points.POINTS
    assert set(POINTS) == set(SERVICES)


async def test_a_point_at_which_nobody_freezes_was_not_struck() -> None:
    """As one at which nobody is killed: that the load did not pass it says nothing of the suite."""
    never = SimpleNamespace(name="orders", fault="relay.read:1:stop", frozen=AsyncMock(side_effect=TimeoutError))
    with pytest.raises(NotStruck, match="orders never came to relay"):
        await processes.thawed(cast("ServiceUnderTest", never), 0)
