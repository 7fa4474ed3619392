"""One process of a service: its roles ``api``, ``consume`` and ``relay``, all three unless told otherwise."""

import asyncio
import importlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

import structlog
import uvicorn
from fastapi import FastAPI

from chassis.consume.feed_client import FeedClient
from chassis.consume.intake import IntakeWorker
from chassis.consume.jobs import JobWorker
from chassis.consume.lane_consumer import Apply, Begin, LaneConsumer
from chassis.consume.mending import Mender
from chassis.consume.outside import OutsideReader, lookup
from chassis.consume.retry import ParkedWorker
from chassis.consume.subscription import Subscription
from chassis.consume.timers import TimerScheduler
from chassis.consume.topic_reader import TopicReader
from chassis.database import Database
from chassis.errors import place_of
from chassis.events.partitions import ensure_partitions
from chassis.events.relay import Relay
from chassis.run.collector import search_seldom
from chassis.run.housekeeping import keep_house
from chassis.run.logs import configure_logs
from chassis.run.migrations import migrate
from chassis.run.parts import for_ever
from chassis.run.settings import Settings
from chassis.run.start import seed
from chassis.run.topics import ensure_topics, wait_for_topics
from chassis.run.watchdog import Watchdog
from chassis.service import MAIN, Service, Starts
from chassis.web.app import build_app
from chassis.web.keys import KeyReader
from chassis.web.rates import Rates

ROLES = ("api", "consume", "relay")
MOST_AT_ONCE = 1_000
"""Connections and requests that a process has at a time; who comes beyond them is told 503 at once."""
log = structlog.get_logger()


class Process:
    """The running parts of one service."""

    def __init__(self, service: Service, settings: Settings, roles: Sequence[str]) -> None:
        self.service, self.settings, self.roles = service, settings, roles
        self.database = Database(settings.database(service.name), size=settings.pool_size, stamp=settings.restore_stamp)
        self.app = build_app(
            service, self.database, KeyReader(settings.public_keys.read_text()), settings, self.lifespan,
            rates=Rates(settings.requests_per_second), api="api" in roles,
        )  # fmt: skip
        self.tasks: list[asyncio.Task[None]] = []
        self._joined: set[str] = set()

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """Migrate, seed, start the roles' parts; stop them when the server stops."""
        if self.settings.migrate:
            await migrate(self.settings.database(self.service.name), self.service.package)
        await self.database.open()
        await seed(self.database, self.service)
        app.state.health.waiting = set(self._parts())
        for name, part in self._parts().items():
            self.tasks.append(asyncio.create_task(self._keep(name, part), name=name))
        search_seldom()
        with Watchdog(self.settings.stalled_after):
            yield
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.database.close()

    def _parts(self) -> dict[str, Callable[[], Awaitable[None]]]:
        parts: dict[str, Callable[[], Awaitable[None]]] = {}
        if "relay" in self.roles:
            parts["relay"] = self._relay
        if "consume" in self.roles:
            parts |= {"timers": self._timers, "parked": self._parked, "housekeeping": self._keep_house}
            for subscription, starts in self.service.subscriptions().items():
                parts[f"consumer {subscription}"] = partial(self._consume, subscription, starts)
            if self.service.pages:
                parts["jobs"] = self._jobs
            if self.service.parsers:
                parts["intake"] = self._intake
            if self.service.outside:
                parts["outside"] = self._outside
        return parts

    async def _keep(self, name: str, part: Callable[[], Awaitable[None]]) -> None:
        """Run a part for ever: what fails is logged and started again, a little later each time."""
        loop = asyncio.get_running_loop()
        pause = 0.1
        while True:
            began = loop.time()
            try:
                await for_ever(part())
            except Exception as error:  # noqa: BLE001 - a part that fails is started anew, whatever it was
                pause = 0.1 if loop.time() - began > 30 else min(pause * 2, 5)  # noqa: PLR2004 - half a minute is well
                self.app.state.health.waiting.add(name)
                for each in error.exceptions if isinstance(error, ExceptionGroup) else (error,):
                    log.warning("part failed", part=name, error=type(each).__name__, at=place_of(each))
            await asyncio.sleep(pause)

    def _up(self, part: str) -> None:
        self.app.state.health.waiting.discard(part)

    async def _relay(self) -> None:
        async with self.database.pool.acquire() as connection:
            await ensure_partitions(connection)  # while Kafka is away as well
        mine, *outside = self._topics([self.service.name, *self.service.outside])
        kafka, partitions, replication = self.settings.kafka, self.settings.partitions, self.settings.replication
        await ensure_topics(kafka, [mine], partitions, replication, grow=True)
        await ensure_topics(kafka, outside, partitions, replication)
        await wait_for_topics(kafka, [mine])
        self._up("relay")
        await Relay(self.database, self.service.name, kafka, mine).run()

    def _topics(self, names: Sequence[str]) -> list[str]:
        return [self.settings.topic_prefix + name for name in names]

    async def _consume(self, name: str, starts: Starts | None) -> None:
        """Follow the sources of one subscription by Kafka and, where that has a hole, by their feeds."""
        subscription = Subscription(self.database, self.service, name)
        sources, prefix = subscription.service.sources(), self.settings.topic_prefix
        feed = FeedClient(self.settings.url, self.settings.token())
        mender = Mender(subscription, feed)
        if name == MAIN:
            self.app.state.health.heads = mender.heads
        try:
            partitions = await wait_for_topics(self.settings.kafka, self._topics(sources))
            for source in sources:
                await mender.begin(source, starts)
            reader = TopicReader(subscription, mender, prefix)
            consumer = self._consumer(name, partitions, self._topics(sources), reader.apply)
            self._up(f"consumer {name}")
            async with asyncio.TaskGroup() as tasks:
                for source in sources:
                    tasks.create_task(for_ever(mender.run(source, self.settings.heads_every)))
                tasks.create_task(for_ever(consumer.run()))
        finally:
            await feed.close()

    async def _keep_house(self) -> None:
        self._up("housekeeping")
        await keep_house(self.database, self.settings.journal_days)

    async def _timers(self) -> None:
        self._up("timers")
        await TimerScheduler(self.database, self.service).run()

    async def _jobs(self) -> None:
        self._up("jobs")
        await JobWorker(self.database, self.service).run()

    async def _parked(self) -> None:
        self._up("parked")
        await ParkedWorker(self.database, self.service).run()

    async def _intake(self) -> None:
        self._up("intake")
        await IntakeWorker(self.database, self.service, self.app.state.intake_stored).run()

    async def _outside(self) -> None:
        prefix = self.settings.topic_prefix
        topics = self._topics(list(self.service.outside))
        partitions = await wait_for_topics(self.settings.kafka, topics)
        async with lookup(self.settings.kafka) as holds:
            reader = OutsideReader(self.database, self.service, holds, self.app.state.intake_stored, prefix)
            self._up("outside")
            consumer = self._consumer("outside", partitions, topics, reader.apply, reader.begin)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(for_ever(reader.watch(self.settings.heads_every)))
                tasks.create_task(for_ever(consumer.run()))

    def _consumer(
        self, name: str, partitions: int, topics: Sequence[str], apply: Apply, begin: Begin | None = None
    ) -> LaneConsumer:
        """Return a member of a group, with a name at the first start alone: so it takes its partitions back."""
        group = f"{self.settings.topic_prefix}{self.service.name}.{name}"
        instance = None if name in self._joined else f"{self.settings.member()}-{partitions}"
        self._joined.add(name)
        return LaneConsumer(self.settings.kafka, group, topics, apply, begin=begin, instance=instance)


def load_service(name: str) -> Service:
    """Return the service of a name, from its package's ``app`` module. Raises ModuleNotFoundError."""
    service: Service = importlib.import_module(f"{name.replace('-', '_')}.app").service
    return service


def serve(name: str, roles: Sequence[str]) -> None:
    """Run a service until it is told to stop."""
    settings = Settings()
    configure_logs(settings.log, name)
    process = Process(load_service(name), settings, roles)
    uvicorn.run(
        process.app, host=settings.host, port=settings.port, log_config=None, access_log=False, server_header=False,
        timeout_graceful_shutdown=5, limit_concurrency=MOST_AT_ONCE,
    )  # fmt: skip
