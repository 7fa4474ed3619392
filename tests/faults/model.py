"""What must be true after any fault, folded from the inputs alone; imports nothing of the services."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from tests.rig import Rig
from tests.shop import ShopOrder

LARGE = Decimal(50_000)
NOBODY: Mapping[str, int] = {}


class Firm(NamedTuple):
    """What one firm came to: ``notices`` are the devices whose next service was due, each a task and an opportunity."""

    orders: int
    points: int
    status: str
    starred: bool
    devices: int
    tasks: int
    opportunities: int


Truth = dict[str, Firm]


def expected(sent: Iterable[ShopOrder], notices: Mapping[str, int] = NOBODY) -> Truth:
    """Return what is true of each IČO: the last revision of every order counts.

    One point for 10 Kč of what is paid; the first paid order makes a regular, a large one a star; every paid order not
    given back in full is one device.
    """
    latest: dict[int, ShopOrder] = {}
    for order in sent:
        known = latest.get(order.number)
        if known is None or order.revision >= known.revision:
            latest[order.number] = order
    firms: dict[str, list[ShopOrder]] = defaultdict(list)
    for order in latest.values():
        firms[order.ico].append(order)
    return {ico: _firm(orders, notices.get(ico, 0)) for ico, orders in firms.items()}


def _firm(orders: list[ShopOrder], notices: int) -> Firm:
    paid = [order for order in orders if order.paid]
    return Firm(
        orders=len(orders),
        points=sum(int((order.total - order.refunded) // 10) for order in paid),
        status="Stálý odběratel" if paid else "Nový partner",
        starred=any(order.total > LARGE for order in paid),
        devices=sum(order.refunded < order.total for order in paid),
        tasks=notices,
        opportunities=notices,
    )


async def found(rig: Rig) -> Truth:
    """Return the same from the services' tables, each point read from the ledger's single entries."""
    clients = await rig.rows("clients", "select id, ico, status, starred from clients")
    assert len({client["ico"] for client in clients}) == len(clients), "two clients of one IČO"
    orders = await counts(rig, "orders", "select client_id, count(*) from orders group by client_id")
    entries = await counts(rig, "loyalty", "select client_id, sum(points)::bigint from entries group by client_id")
    accounts = await counts(rig, "loyalty", "select client_id, points from accounts where points <> 0")
    assert +entries == accounts
    devices = await counts(
        rig, "service-desk", "select client_id, count(*) from devices where state = 'active' group by client_id"
    )
    tasks = await counts(rig, "clients", "select client_id, count(*) from tasks group by client_id")
    leads = await counts(rig, "orders", "select client_id, count(*) from opportunities group by client_id")
    return {
        ico: Firm(orders[c], accounts[c], status, starred, devices[c], tasks[c], leads[c])
        for c, ico, status, starred in clients
    }


async def counts(rig: Rig, service: str, sql: str) -> Counter[UUID]:
    return Counter({row[0]: row[1] for row in await rig.rows(service, sql)})


async def assert_gapless(rig: Rig) -> None:
    """Every lane's numbers are 1 to its head, and every event id is there once."""
    for name in rig.names:
        bad = await rig.rows(
            name,
            "select lane from chassis.counters c left join (select lane, count(*) n, max(sequence) top"
            " from chassis.events group by lane) e using (lane)"
            " where head <> coalesce(n, 0) or head <> coalesce(top, 0)",
        )
        assert bad == [], (name, bad)
        assert await rig.rows(name, "select id from chassis.events group by id having count(*) > 1") == [], name
        assert await rig.rows(name, "select reason from chassis.dead_letters") == [], name
