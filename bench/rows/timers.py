"""How late a timer is when a million others wait, against when none does.

Reminders of devices, whose service decides and publishes them. Lateness is from the instant at which a timer is due
until another connection sees its event; the scheduler's own pause of half a second is part of it, as it is for users.
How late they are beyond that pause is told, and what they cost.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from bench.arrivals import slowest
from bench.paid_orders import SPACE
from bench.race import Lap, Race, Row
from bench.servers import HERE_AND_SERVERS, Servers, opened
from bench.share import say, scaled, unit
from bench.stopwatch import Meter, until_over
from bench.tables import Unfinished, undone_in
from bench.track import Track
from chassis.consume.timers import EVERY, TimerScheduler
from chassis.database import Database
from chassis.effects import SetTimer
from chassis.events.lanes import LANES
from chassis.events.record import Cause
from chassis.events.timers import pack
from chassis.events.unit import unit_of_work
from chassis.run.start import seed
from schemas.orders import DeviceTerms
from service_desk.domain import REMIND, Device
from service_desk.handlers import service
from service_desk.store.device import save_devices

PENDING = scaled(1_000_000, LANES)
DUE, SPAN = 1_000, timedelta(seconds=20)
"""So many become due one after the other, within so long."""
SOON = timedelta(seconds=1)
PATIENCE = 600.0
"""Seconds until a slow machine has fired all of them."""
CAUSE = Cause(
    uuid5(SPACE, "cause"), uuid5(SPACE, "correlation"), service.name, 7, 1_234, 1, "bench", 1, datetime.now(UTC)
)
FILL = """
    insert into chassis.timers (kind, subject, lane, due, cause)
    select $1, gen_random_uuid(), n % 48, now() + interval '1 hour' + n * interval '28 seconds', $2
    from generate_series($3::bigint, $4::bigint) n
"""
"""Timers that wait, as a unit writes them: a million within the next eleven months, and none during a run."""
AT_ONCE = 100_000
NEWS = (
    "select e.subject, e.lane, e.sequence from unnest($1::smallint[], $2::bigint[]) seen(lane, sequence)"
    " join chassis.events e on e.lane = seen.lane and e.sequence > seen.sequence order by e.lane, e.sequence"
)
HEADS = "select lane, head from chassis.counters"
TERMS = DeviceTerms(model="K-1", warranty_months=24, service_months=12)


class Late:
    """Two service desks with the same devices: in one of them timers wait."""

    def __init__(self, servers: Servers, empty: Database, full: Database) -> None:
        """Name their databases."""
        self._servers, self._empty, self._full = servers, empty, full

    async def floor(self) -> Lap:
        """Fire what becomes due where nothing else waits."""
        return await fire(self._empty, self._servers.meter)

    async def ours(self) -> Lap:
        """Fire it where a million wait."""
        return await fire(self._full, self._servers.meter)


async def fire(database: Database, begin: Callable[[], Meter] = Meter) -> Lap:
    """Let timers become due, and a scheduler fire them; return how late they were, in ms. Raises Unfinished."""
    dues = await _set(database, datetime.now(UTC) + SOON)
    heads = {row["lane"]: row["head"] for row in await database.pool.fetch(HEADS)}
    late: dict[UUID, float] = {}
    over = asyncio.Event()

    async def watch() -> None:
        while len(late) < DUE:
            await database.committed.wait()
            database.committed.clear()
            news = await database.pool.fetch(NEWS, list(heads), list(heads.values()))
            seen = time.time()
            heads.update((row["lane"], row["sequence"]) for row in news)
            late.update((row["subject"], seen - dues.pop(row["subject"]).timestamp()) for row in news)
        over.set()

    meter = begin()
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
        tasks.create_task(watch())
        tasks.create_task(until_over(TimerScheduler(database, service).run(), over))
    spent = meter.rate(DUE)
    async with database.pool.acquire() as connection:
        undone = await undone_in(connection)
    if undone:
        message = f"still to do: {undone}"
        raise Unfinished(message)
    lap = slowest(list(late.values()), **dict(spent.also))
    return lap._replace(cpu=spent.cpu, also=(*lap.also, ("beyond the pause", lap.figure - EVERY * 1_000)))


async def _set(database: Database, first: datetime) -> dict[UUID, datetime]:
    """Have as many devices want care, each at an instant of its own; return when."""
    dues = {uuid5(SPACE, f"device {n}"): first + n * SPAN / DUE for n in range(DUE)}
    devices = [device(one, due) for one, due in dues.items()]
    async with unit_of_work(database, service.name) as unit:
        await save_devices(unit, devices)
        unit.publish(*(SetTimer(REMIND, each.id, dues[each.id], each.client_id) for each in devices))
    database.committed.clear()
    return dues


def device(one: UUID, notice_at: datetime) -> Device:
    """Return a device that was serviced eleven months ago and wants to be noticed now."""
    serviced = notice_at - timedelta(days=335)
    return Device(
        one, uuid5(SPACE, f"owner {one}"), None, "K-1", TERMS, "SERVIS", serviced, version=1, last_service_at=serviced,
        notice_at=notice_at, notice_lead=1,
    )  # fmt: skip


async def fill(database: Database, number: int) -> None:
    """Have so many timers wait, and the database know its tables, as it does after a while by itself."""
    for start in range(0, number, AT_ONCE):
        await database.pool.execute(FILL, REMIND, pack(CAUSE), start + 1, min(start + AT_ONCE, number))
    await database.pool.execute("vacuum analyze chassis.timers")


@asynccontextmanager
async def open_late(track: Track) -> AsyncIterator[Race]:
    """Make both databases, and fill one of them."""
    servers = await track.servers()
    async with AsyncExitStack() as stack:
        empty, full = [await stack.enter_async_context(_service_desk(servers)) for _ in range(2)]
        say(f"timers: {PENDING:,} are written")
        await fill(empty, 0)
        await fill(full, PENDING)
        yield Late(servers, empty, full)


@asynccontextmanager
async def _service_desk(servers: Servers) -> AsyncIterator[Database]:
    """Give the database of a service desk that is new."""
    async with servers.tables_of(service.name) as dsn, opened(dsn) as database:
        await seed(database, service)
        yield database


ROWS = (
    Row(
        "timers",
        "lateness of a timer, p99, while 1,000,000 others wait",
        "the same timers while no other waits",
        unit("ms"),
        bar=1.3,
        least=False,
        open=open_late,
        cpu_of=HERE_AND_SERVERS,
    ),
)
