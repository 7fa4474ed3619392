"""Mending: every hole (gap, lost tail, first fill, restored backup) is filled by one routine, from the owner's feed."""

import asyncio

import httpx
import structlog

from chassis.consume.feed_client import FeedClient
from chassis.consume.journal import last_before, taken_back
from chassis.consume.progress import BEGINNING, Progress, begin_progress, read_progress
from chassis.consume.subscription import Page, Subscription
from chassis.errors import place_of
from chassis.events.log import FeedPage
from chassis.events.record import Position
from chassis.points import reach
from chassis.service import Starts

log = structlog.get_logger()


class Mender:
    """Reads lanes from the owners' feeds until nothing is missing."""

    def __init__(self, subscription: Subscription, feed: FeedClient) -> None:
        self.subscription, self.feed = subscription, feed
        self._seen: dict[str, Progress] = {}
        self.heads: dict[str, dict[int, int]] = {}

    async def mend(self, source: str, lane: int) -> None:
        """Read the owner's feed of a lane, page by page, until it has no more; another reader's progress ends it."""
        while True:
            after = (await self._progress(source))[lane]
            page = await self._page(source, lane, after)
            if page.resumed < after.sequence:
                await self._report(source, lane, after, page.resumed)
            if page.records or page.position != after:
                await self.subscription.apply(source, page.records, Page(lane, after, page.position, page.resumed))
            if not page.records:
                return

    async def try_to_mend(self, source: str, lane: int) -> None:
        """Mend a lane as far as its owner answers; what stays open, the check of the heads finds again."""
        try:
            await self.mend(source, lane)
        except httpx.HTTPError as error:
            log.warning("a hole stays open", source=source, lane=lane, error=type(error).__name__, at=place_of(error))

    async def begin(self, source: str, starts: Starts | None) -> None:
        """Begin to follow a source, unless that was done before: a subscription that starts now begins at its heads."""
        heads = await self.feed.heads(source) if starts == "now" and not await self._progress(source) else {}
        at = {lane: Position(head.incarnation, head.published) for lane, head in heads.items()}
        async with self.subscription.database.pool.acquire() as connection:
            await begin_progress(connection, self.subscription.name, [source], at)

    async def _page(self, source: str, lane: int, after: Position) -> FeedPage:
        """Return the page of a lane after a position; after one that the owner knows, if it has forgotten that one."""
        page = await self.feed.page(source, lane, after)
        while not page.known:
            async with self.subscription.database.pool.acquire() as connection:
                before = await last_before(connection, self.subscription.name, source, lane, after.incarnation)
            if before is None:
                break
            after, page = before, await self.feed.page(source, lane, before)
        return page

    async def _report(self, source: str, lane: int, had: Position, resumed: int) -> None:
        """Ask an owner how all is now that was heard under numbers it took back; only then are they given up here."""
        async with self.subscription.database.pool.acquire() as connection:
            lost = await taken_back(connection, self.subscription.name, source, lane, resumed)
        log.error("numbers were taken back", source=source, lane=lane, had=str(had), now=resumed, subjects=len(lost))
        await self.feed.restate(source, lost)
        reach("restatement.asked")

    async def check_heads(self, source: str) -> None:
        """Ask the owner for its heads; mend lanes that are behind and have not moved since the check before.

        Raises httpx.HTTPError when the heads are not told.
        """
        heads = await self.feed.heads(source)
        now = await self._progress(source)
        before = self._seen.get(source, {})
        self._seen[source] = now
        self.heads[source] = {lane: head.published for lane, head in heads.items()}
        for lane, head in heads.items():
            behind = now[lane].sequence < head.published
            rewound = now[lane] != BEGINNING and now[lane].incarnation < head.incarnation
            if (behind or rewound) and before.get(lane) == now[lane]:
                await self.try_to_mend(source, lane)

    async def run(self, source: str, every: float) -> None:
        """Check an owner's heads, twice at the start and then at intervals; one that is away is asked again."""
        pause, away = min(1.0, every), False
        while True:
            try:
                await self.check_heads(source)
                away = False
            except httpx.HTTPError as error:
                if not away:
                    log.warning(
                        "an owner's feed does not answer", source=source, error=type(error).__name__, at=place_of(error)
                    )
                away = True
            await asyncio.sleep(pause)
            pause = every

    async def _progress(self, source: str) -> Progress:
        async with self.subscription.database.pool.acquire() as connection:
            return await read_progress(connection, self.subscription.name, source)
