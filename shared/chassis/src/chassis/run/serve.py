"""One process of a service: its roles ``api``, ``consume`` and ``relay``, all three unless told otherwise."""

import asyncio
import importlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import structlog
import uvicorn
from fastapi import FastAPI

from chassis.consume.feed_client import FeedClient
from chassis.consume.intake import IntakeWorker
from chassis.consume.jobs import JobWorker
from chassis.consume.journal import keep_short
from chassis.consume.lane_consumer import LaneConsumer
from chassis.consume.mending import Mender
from chassis.consume.outside import take_outside
from chassis.consume.retry import ParkedWorker
from chassis.consume.subscription import Subscription
from chassis.consume.timers import TimerScheduler
from chassis.consume.topic_reader import TopicReader
from chassis.database import Database
from chassis.errors import place_of
from chassis.events.partitions import ensure_partitions
from chassis.events.relay import Relay
from chassis.run.logs import configure_logs
from chassis.run.migrations import migrate
from chassis.run.settings import Settings
from chassis.run.start import seed
from chassis.run.topics import ensure_topics, wait_for_topics
from chassis.service import Service
from chassis.web.app import build_app
from chassis.web.keys import KeyReader

ROLES = ("api", "consume", "relay")
log = structlog.get_logger()


class Process:
    """The running parts of one service."""

    def __init__(self, service: Service, settings: Settings, roles: Sequence[str]) -> None:
        self.service, self.settings, self.roles = service, settings, roles
        self.database = Database(settings.database(service.name), size=settings.pool_size, stamp=settings.restore_stamp)
        self.app = build_app(
            service, self.database, KeyReader(settings.public_keys.read_text()), settings, self.lifespan,
            api="api" in roles,
        )  # fmt: skip
        self.tasks: list[asyncio.Task[None]] = []

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
            parts |= {"consumer": self._consume, "timers": self._timers, "parked": self._parked}
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
                await part()
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
        await ensure_topics(self.settings.kafka, [mine, *outside], self.settings.partitions, self.settings.replication)
        partitions = (await wait_for_topics(self.settings.kafka, [mine]))[mine]
        self._up("relay")
        await Relay(self.database, self.service.name, self.settings.kafka, mine, partitions).run()

    def _topics(self, names: Sequence[str]) -> list[str]:
        return [self.settings.topic_prefix + name for name in names]

    async def _consume(self) -> None:
        sources = self.service.sources()
        if not sources:
            self._up("consumer")
            await asyncio.Event().wait()
        subscription = Subscription(self.database, self.service)
        feed = FeedClient(self.settings.url, self.settings.token())
        mender = Mender(subscription, feed)
        self.app.state.health.heads = mender.heads

        prefix = self.settings.topic_prefix
        await wait_for_topics(self.settings.kafka, self._topics(sources))
        reader = TopicReader(subscription, mender, prefix)
        group = f"{prefix}{self.service.name}.main"
        consumer = LaneConsumer(self.settings.kafka, group, self._topics(sources), reader.apply)
        self._up("consumer")
        try:
            async with asyncio.TaskGroup() as tasks:
                for source in sources:
                    tasks.create_task(mender.run(source, self.settings.heads_every))
                tasks.create_task(consumer.run())
                tasks.create_task(keep_short(self.database, self.settings.journal_days))
        finally:
            await feed.close()

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
        await wait_for_topics(self.settings.kafka, self._topics(list(self.service.outside)))
        self._up("outside")
        await take_outside(self.database, self.service, self.settings.kafka, self.app.state.intake_stored, prefix)


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
        timeout_graceful_shutdown=5,
    )  # fmt: skip
