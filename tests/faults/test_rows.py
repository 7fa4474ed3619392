"""Every row of the table, once and small: what `./klientela faults` does many times."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import pytest_asyncio

from chassis import points
from tests.faults.row import Draw
from tests.faults.rows import ROWS
from tests.faults.rows.processes import POINTS
from tests.faults.rows.releases import HOW
from tests.faults.rows.rewinds import ASKED, OWNERS
from tests.faults.stage import Stage, a_machine, a_stage
from tests.rig import SERVICES

pytestmark = pytest.mark.asyncio(loop_scope="module")
SEEDS = {"kill-at-point": range(5), "fatal": (HOW.index("kill"), HOW.index("fill")), "rewind-owner": (len(OWNERS),)}
"""Which runs of a row; the first alone if it is not named. The rewind is a busy one, in which a consumer dies."""
LONG = {"disk-postgres", "disk-kafka", "snapshot"}
"""Rows that need root or a machine to themselves: by the command alone."""
RUNS_OF_A_STAGE = 10
RUNS = [(name, seed) for name in ROWS if name not in LONG for seed in SEEDS.get(name, range(1))]


class Theatre:
    """Lends a stage to run after run: a new one after some, since logs grow; after one that failed, all is made anew.

    What a failed run left undone is no later run's fault, and would cost each of them the judge's whole patience.
    """

    def __init__(self) -> None:
        self._machine, self._stage = AsyncExitStack(), AsyncExitStack()
        self._made: Stage | None = None
        self._left = 0

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[Stage]:
        """Lend the stage for one run."""
        stage = await self._fresh() if self._made is None or self._left == 0 else self._made
        self._left -= 1
        try:
            yield stage
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Stop everything."""
        self._made = None
        await self._stage.aclose()
        await self._machine.aclose()

    async def _fresh(self) -> Stage:
        await self._stage.aclose()
        machine = self._made.machine if self._made else await self._machine.enter_async_context(a_machine())
        self._made, self._left = await self._stage.enter_async_context(a_stage(machine)), RUNS_OF_A_STAGE
        return self._made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def theatre() -> AsyncIterator[Theatre]:
    made = Theatre()
    yield made
    await made.close()


@pytest.mark.parametrize(("name", "seed"), RUNS, ids=str)
async def test_survived(theatre: Theatre, name: str, seed: int) -> None:
    async with theatre.lend() as stage:
        outcome = await ROWS[name].run(stage, Draw(name, seed, short=True))
        assert outcome.verdict.reasons == []
        assert outcome.times > 0


async def test_every_point_and_every_service_is_struck() -> None:
    first = {point for mine in POINTS.values() for point in mine[: len(SEEDS["kill-at-point"])]}
    assert first | {ASKED} == points.POINTS
    assert set(POINTS) == set(SERVICES)
