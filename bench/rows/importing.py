"""An import of a million orders: whether it is as quick at its end as at its beginning.

Orders are sent into an import channel of five services as `klientela import orders` sends them, 500 a call and four
calls under way; only the file is not there to be read. The next tenth is sent when the suite has nothing left to do of
the one before: all decided, published, heard and booked, so that no backlog hides. Every tenth buys the same: an order
in ten is a new customer's, one in ten of a device. The CPU is that of the services, of PostgreSQL and Kafka.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from bench.race import Lap, Race, Row
from bench.servers import Servers
from bench.share import Seldom, say, scaled, unit
from bench.stopwatch import Meter
from bench.track import Track
from chassis.web.keys import sign_key
from klientela.importing.channel import make_channel
from klientela.importing.checkpoint import Checkpoint
from klientela.importing.mapping import Invoice, Item
from klientela.importing.quiet import worked_off
from klientela.importing.sending import Sending
from klientela.importing.suite_api import SuiteApi
from klientela.importing.telling import Telling
from klientela.importing.wire import Letter, letter_of
from klientela.layout import DataDirectory
from tests.faults.load import DEVICE
from tests.rig import Rig, running
from tests.rig import Servers as Addresses

TENTH = scaled(100_000)
NEW_EVERY, DEVICE_EVERY = 10, 10
BEGINNING = datetime(2024, 1, 1, tzinfo=UTC)
DONE = "select (select count(*) from orders), (select count(*) from chassis.dead_letters)"
BOOKED = "select count(distinct order_id), (select count(*) from chassis.dead_letters) from entries"


class Importing:
    """A suite into which orders are imported; ours goes on where the floor ended."""

    def __init__(self, servers: Servers, rig: Rig, api: SuiteApi, sending: Sending) -> None:
        """Name the suite and its servers, and how it is sent to."""
        self._servers, self._rig, self._api, self._sending = servers, rig, api, sending
        self._telling = Telling("CZK", {}, datetime.now(UTC))
        self._sent, self._seldom = 0, Seldom("import")
        self._rates: list[tuple[float, float]] = []

    async def floor(self) -> Lap:
        """Import the first tenth."""
        return await self._tenth()

    async def ours(self) -> Lap:
        """Import all the others; the last one counts."""
        lap = await self._tenth()
        while self._sent < 10 * TENTH:
            lap = await self._tenth()
        await self._check()
        return lap._replace(series=tuple(self._rates))

    async def _tenth(self) -> Lap:
        services = {name: process.process for name, process in self._rig.processes.items()}
        meter = Meter({**services, **self._servers.processes})
        await self._sending.send(self._letters())
        await worked_off(self._api, self._seldom.say)
        lap = meter.rate(TENTH)
        self._sent += TENTH
        self._rates.append((self._sent, lap.figure))
        say(f"import: {self._sent:,} orders, the last {TENTH:,} at {lap.figure:,.1f} a second")
        return lap

    def _letters(self) -> Iterator[Letter]:
        for number in range(self._sent, self._sent + TENTH):
            if letter := letter_of(invoice(number), self._telling):
                yield letter

    async def _check(self) -> None:
        """Raise RuntimeError unless each order is there and was booked: a rate of less is none."""
        for service, sql in (("orders", DONE), ("loyalty", BOOKED)):
            (found,) = await self._rig.rows(service, sql)
            if tuple(found) != (self._sent, 0):
                message = f"{service} has {found[0]} of {self._sent} orders and {found[1]} dead letters"
                raise RuntimeError(message)


def invoice(number: int) -> Invoice:
    """Return one order of a history: some minutes after the one before, by a new customer or by one of those before."""
    draw = Random(number)  # noqa: S311 - the same history every time
    newest = number // NEW_EVERY
    customer = draw.randint(0, newest) if number % NEW_EVERY else newest
    sku = "K-1" if number % DEVICE_EVERY == 1 else f"FILTR-{draw.randint(1, 500)}"
    bought = Item(sku, "Kávovar" if sku == "K-1" else "Filtr", Decimal(1), Decimal(draw.randint(1_000, 90_000)) / 4)
    at = BEGINNING + number * timedelta(minutes=1)
    return Invoice(str(number + 1), at, at, str(customer + 1), "Česko", bought.quantity * bought.unit_price, [bought])


@asynccontextmanager
async def open_importing(track: Track) -> AsyncIterator[Race]:
    """Start a suite and make its import channel."""
    servers = await track.servers()
    with TemporaryDirectory(prefix="klientela-bench-") as name:
        folder = Path(name)
        async with running(folder, Addresses(servers.postgres.dsn, servers.kafka.bootstrap)) as rig:
            addresses = {service: process.base for service, process in rig.processes.items()}
            async with rig.api("orders") as orders, SuiteApi(addresses, _key(rig)) as api:
                (await orders.put("/v1/products/K-1", json=DEVICE)).raise_for_status()
                channel = await make_channel(api, "history")
                with Checkpoint.of(DataDirectory.at(folder / "data"), channel) as checkpoint:
                    yield Importing(servers, rig, api, Sending(api, channel, checkpoint, lambda _: None))


def _key(rig: Rig) -> str:
    return sign_key(rig.private, role="admin", name="import")


ROWS = (
    Row(
        "import",
        "orders imported: the last 100,000 of 1,000,000",
        "the first 100,000",
        unit("orders/s"),
        bar=0.9,
        least=True,
        open=open_importing,
        once=True,
        cpu_of="services, PostgreSQL, Kafka",
    ),
)
