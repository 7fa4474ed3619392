"""What must be true after any fault, folded from the inputs alone."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from tests.rig import Rig
from tests.shop import ShopOrder

Truth = dict[str, tuple[int, int]]


def expected(sent: Iterable[ShopOrder]) -> Truth:
    """Return (orders, points) by IČO: the last revision of every order counts, one point for 10 Kč of what is paid."""
    latest: dict[int, ShopOrder] = {}
    for order in sent:
        known = latest.get(order.number)
        if known is None or order.revision >= known.revision:
            latest[order.number] = order
    orders: dict[str, int] = defaultdict(int)
    points: dict[str, int] = defaultdict(int)
    for order in latest.values():
        orders[order.ico] += 1
        points[order.ico] += int((order.total - order.refunded) // 10) if order.paid else 0
    return {ico: (orders[ico], points[ico]) for ico in orders}


async def found(rig: Rig) -> Truth:
    """Return the same from the services' tables, each point read from the ledger's single entries."""
    clients = {row["id"]: row["ico"] for row in await rig.rows("clients", "select id, ico from clients")}
    assert len(set(clients.values())) == len(clients), "two clients of one IČO"
    orders = await pairs(rig, "orders", "select client_id, count(*) from orders group by client_id")
    entries = await pairs(rig, "loyalty", "select client_id, sum(points)::bigint from entries group by client_id")
    accounts = await pairs(rig, "loyalty", "select client_id, points from accounts")
    assert {client: sum_ for client, sum_ in entries.items() if sum_} == {c: p for c, p in accounts.items() if p}
    return {ico: (orders.get(client, 0), accounts.get(client, 0)) for client, ico in clients.items()}


async def pairs(rig: Rig, service: str, sql: str) -> dict[UUID, int]:
    return {row[0]: row[1] for row in await rig.rows(service, sql)}


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
