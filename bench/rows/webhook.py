"""A webhook acknowledged: stored for good, by the orders service of a suite at work, against a bare commit.

At a tenth of what the service takes when it is sent as much as it will take; that rate is measured when the row opens,
with all five services on the machine, as `up` has them. Both arrive by chance, at the same instants, and the time of
each counts from when it was due. The floor commits the same bytes to a table of nothing else, on the same server, while
the suite is at rest. Ours is all between the shop's request and its answer, while the suite works on what came before:
every order is new, and of a new firm.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from bench.arrivals import at_once, keep_pace, schedule, slowest
from bench.at_work import Suite, at_work
from bench.posting import lines
from bench.race import Lap, Race, Row
from bench.roads import HANDS, by_import
from bench.servers import pool_of
from bench.share import say, scaled, unit
from bench.track import Track

SAMPLES = scaled(2_000, 100)
SHARE = 10
"""What part of the saturated rate is one lap's."""
TO_WARM_UP, TO_SATURATE = 500, scaled(3_000, 100)
"""Orders imported beforehand, and webhooks by which the saturated rate is measured."""
CONNECTIONS = 8
"""There from the start, at either contestant's."""
STORE = "insert into stored (body) values ($1)"


class Acknowledging:
    """A suite at work, and a table beside it."""

    def __init__(self, suite: Suite, beside: str, saturated: float) -> None:
        """Name both, and how many webhooks a second the service takes."""
        self.suite, self._beside, self._saturated = suite, beside, saturated

    async def floor(self) -> Lap:
        """Commit their bytes."""
        bodies = [order.body() for order in self.suite.orders(SAMPLES)]
        async with pool_of(self._beside, CONNECTIONS, HANDS) as pool:
            return await self._lap(lambda number: pool.execute(STORE, bodies[number]))

    async def ours(self) -> Lap:
        """Send them to the service."""
        webhooks = [self.suite.webhook(order) for order in self.suite.orders(SAMPLES)]
        async with lines(self.suite.base("orders"), CONNECTIONS) as opened:
            lap = await self._lap(lambda number: opened.send(webhooks[number]))
        await self.suite.at_rest()
        return lap

    async def _lap(self, act: Callable[[int], Awaitable[object]]) -> Lap:
        rate = self._saturated / SHARE
        served = await keep_pace("webhook", schedule(rate, SAMPLES, seed=SAMPLES), act)
        return slowest([each.done - each.due for each in served], rate=rate, saturated=self._saturated)


async def saturate(suite: Suite) -> float:
    """Return how many webhooks the service acknowledges in a second, once it is warm, when there are always more."""
    await (await by_import(suite))(suite.orders(TO_WARM_UP))
    await suite.at_rest()
    webhooks = [suite.webhook(order) for order in suite.orders(TO_SATURATE)]
    async with lines(suite.base("orders"), HANDS) as opened:
        rate = await at_once(TO_SATURATE, HANDS, lambda number: opened.send(webhooks[number]))
    await suite.at_rest()
    say(f"webhook: {rate:,.0f} a second at most; a lap takes {SAMPLES * SHARE / rate:,.0f} s")
    return rate


@asynccontextmanager
async def open_acknowledging(track: Track) -> AsyncIterator[Race]:
    """Start a suite, make a table beside it, and see how much the service takes."""
    servers = await track.servers()
    async with at_work(servers) as suite, servers.beside() as beside:
        yield Acknowledging(suite, beside, await saturate(suite))


ROWS = (
    Row(
        "webhook",
        "a webhook acknowledged, the slowest of a hundred, at a tenth of the saturated rate",
        "a bare commit of the same bytes, at the same instants",
        unit("ms"),
        bar=3,
        least=False,
        open=open_acknowledging,
    ),
)
