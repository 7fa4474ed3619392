"""One service of a world: its process, relay and consumer, each of which may be a life old."""

from random import Random
from typing import TYPE_CHECKING, Any, cast

from chassis.consume.mending import Mender
from chassis.consume.subscription import Subscription
from chassis.consume.topic_reader import TopicReader
from chassis.events.relay import Relay, UnderWay
from chassis.events.window import Waiting
from chassis.service import Service
from tests.simulation.broker import Kept, Producer
from tests.simulation.process import Link, Process, Stock

if TYPE_CHECKING:
    from tests.simulation.world import World

STANDING = """
    select
        (select count(*) from chassis.counters join chassis.cursors using (lane) where head <> sequence) as unpublished,
        (select intake + parked + timers_due from chassis.waiting) as waiting,
        (select array_agg(incarnation || ':' || head order by lane) from chassis.counters) as heads,
        (select array_agg(incarnation || ':' || sequence order by lane) from chassis.progress
            where source = $1 and subscription = 'main') as progress
"""


class Machine:
    """A service as it is moved step by step; offsets are committed as the lane consumer does, after the effect."""

    def __init__(self, service: Service, stock: Stock, identity: str, world: "World") -> None:
        self.service, self.stock, self.identity, self.world = service, stock, identity, world
        self.chance: Random = world.chance
        self.source = "book" if service.name == "till" else "till"
        self.real: Any = None
        self.start_anew()

    @property
    def other(self) -> "Machine":
        """The service that hears this one, and is heard by it."""
        return self.world.machines[self.source]

    def start_anew(self) -> None:
        """Begin a new life: buffers, what was fetched ahead and old members of the process are gone."""
        self.zombies: list[Any] = []
        self.process = Process(self.stock, self.identity)
        self.relay = Relay(self.process.database, self.service.name, "", self.service.name)
        self.session: Link | None = None
        self.window: list[Waiting] = []
        subscription = Subscription(self.process.database, self.service)
        self.mender = Mender(subscription, cast("Any", self.world.feed))
        self.reader = TopicReader(subscription, self.mender)
        self.fetched: dict[int, list[Kept]] = {}
        self.offsets = dict(self.world.topics[self.source].committed)

    async def relay_step(self) -> None:
        """Read a window, or send the one that was read; a relay that lost its lock goes on sending later."""
        session, window = await self._session(), self.window
        if not window:
            window = await self.relay._window(cast("Any", session))
            if not window or self.chance.random() < 0.4:
                self.window = window
                return
        self.window = []
        if self.chance.random() < 0.1:
            session.cut, self.session = True, None
            self.zombies.append(lambda: self._send(session, window))
            return
        self.window = await self._send(session, window)

    async def _send(self, session: Link, window: list[Waiting]) -> list[Waiting]:
        producer = Producer(self.world.topics[self.service.name])
        return await self.relay._send_and_read_on(cast("Any", session), cast("Any", producer), window, UnderWay())

    async def _session(self) -> Link:
        if self.real is None:
            self.real = await self.stock.take()
        if self.session is None:
            self.session = Link(self.process, self.real)
        return self.session

    async def consume(self) -> None:
        """Apply what was fetched of some partition, or fetch first; then perhaps commit the offset."""
        topic = self.world.topics[self.source]
        partition = self.chance.choice(self._with_news() or [0])
        most = self.chance.randint(1, 6)
        batch = self.fetched.pop(partition, None) or self._fetch(partition, most)
        if not batch:
            return
        if self.chance.random() < 0.2:
            self.fetched[partition] = batch
            return
        await self.reader.apply(self.source, cast("Any", batch))
        if self.chance.random() < 0.6:
            topic.committed[partition] = batch[-1].offset + 1

    def can(self, step: str) -> bool:
        """Tell whether a step would do anything."""
        if step == "consume":
            return bool(self._with_news())
        if step == "strike":
            return any(self.world.topics[self.service.name].partitions)
        return bool({"zombie": self.zombies, "rebalance": self.offsets}.get(step, True))

    def _with_news(self) -> list[int]:
        topic = self.world.topics[self.source]
        ends = [begin + len(kept) for begin, kept in zip(topic.begins, topic.partitions, strict=True)]
        return [n for n, end in enumerate(ends) if n in self.fetched or self.offsets.get(n, 0) != end]

    def _fetch(self, partition: int, most: int) -> list[Kept]:
        batch = self.world.topics[self.source].read(partition, self.offsets.get(partition, 0), most)
        if batch:
            self.offsets[partition] = batch[-1].offset + 1
        return batch

    async def rebalance(self) -> None:
        """Another member goes on from the committed offsets; this one may apply yet what it has fetched."""
        reader, source = self.reader, self.source
        for batch in self.fetched.values():
            self.zombies.append(lambda batch=batch: reader.apply(source, batch))
        self.fetched = {}
        self.offsets = dict(self.world.topics[self.source].committed)

    async def zombie(self) -> None:
        """Whoever should have stopped goes on."""
        if self.zombies:
            await self.zombies.pop(self.chance.randrange(len(self.zombies)))()

    async def strike(self) -> None:
        """Let the topic forget."""
        self.world.story.append(self.world.topics[self.service.name].strike())

    async def check_heads(self) -> None:
        """Ask the owner how far it is."""
        await self.mender.check_heads(self.source)

    async def publish_all(self) -> None:
        """Relay until nothing is left."""
        session = cast("Any", await self._session())
        self.window = []
        while window := await self.relay._window(session):
            await self._send(session, window)

    async def consume_all(self) -> None:
        """Apply all that the topic still brings."""
        fetched, self.fetched = self.fetched, {}
        for partition in range(len(self.world.topics[self.source].partitions)):
            batch = fetched.get(partition)
            while batch or (batch := self._fetch(partition, 100)):
                await self.reader.apply(self.source, cast("Any", batch))
                batch = None

    async def standing(self) -> Any:
        """Return where everything stands here."""
        (row,) = await self.process.database.pool.fetch(STANDING, self.source)
        return row

    async def close(self) -> None:
        """Give the relay's connection back."""
        if self.real is not None:
            await self.stock.give_back(self.real)
