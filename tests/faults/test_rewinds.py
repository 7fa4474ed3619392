"""Databases are set back to a backup while the others go on: everybody comes to agree with what the owners now have."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from decimal import Decimal
from itertools import count
from typing import NamedTuple
from uuid import uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio

from chassis.database import run_formatted
from chassis.testing import server_dsn
from klientela.proof.verify import all_services, prove
from tests.faults.model import counts
from tests.rig import SERVICES, Rig, until
from tests.shop import Shop, ShopOrder, ico_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
NUMBERS = count(1)
FIRMS = count(2_000_000)
LARGE = Decimal(50_000)
REWOUND = [(service,) for service in SERVICES] + [("clients", "automation"), ("orders", "loyalty"), SERVICES]
Owners = dict[str, str | None]
"""Whose the orders of an IČO are by a person's word: another firm's, or nobody's. Its own if nothing was said."""


class Story:
    """What was sent and said so far, and what must be true of it; imports nothing of the services."""

    def __init__(self) -> None:
        self.sent: list[ShopOrder] = []
        self.owners: Owners = {}

    def copy(self) -> "Story":
        """Return the story as it is at a backup."""
        copied = Story()
        copied.sent, copied.owners = list(self.sent), dict(self.owners)
        return copied

    def truth(self, acted: "Story") -> dict[str, "Firm"]:
        """Return what is true of each firm; what rules did because of what was ``acted`` on stays done."""
        latest: dict[int, ShopOrder] = {}
        for order in self.sent:
            known = latest.get(order.number)
            if known is None or order.revision >= known.revision:
                latest[order.number] = order
        found = {}
        for ico in {order.ico for order in acted.sent}:
            mine = [order for order in latest.values() if self.owners.get(order.ico, order.ico) == ico]
            paid = [order for order in acted.sent if order.ico == ico and order.paid]
            found[ico] = Firm(
                len(mine),
                sum(int((order.total - order.refunded) // 10) for order in mine if order.paid),
                sum(order.paid and order.refunded < order.total for order in mine),
                "Stálý odběratel" if paid else "Nový partner",
                any(order.total > LARGE for order in paid),
            )
        return found


class Firm(NamedTuple):
    """What one firm came to."""

    orders: int
    points: int
    devices: int
    status: str
    starred: bool


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(rig: Rig) -> AsyncIterator[Shop]:
    async with rig.api("orders") as api:
        yield await Shop.open(api)


@pytest.fixture(scope="module")
def story() -> Story:
    return Story()


async def found(rig: Rig) -> dict[str, Firm]:
    """Return what the services' tables say of each firm."""
    clients = await rig.rows("clients", "select id, ico, status, starred from clients")
    orders = await counts(rig, "orders", "select client_id, count(*) from orders group by client_id")
    points = await counts(rig, "loyalty", "select client_id, sum(points)::bigint from entries group by client_id")
    devices = await counts(
        rig, "service-desk", "select client_id, count(*) from devices where state = 'active' group by client_id"
    )
    return {ico: Firm(orders[c], points[c], devices[c], status, starred) for c, ico, status, starred in clients}


async def send(shop: Shop, story: Story, *orders: ShopOrder) -> None:
    for order in orders:
        story.sent.append(order)
        await shop.send(order)


async def send_again(shop: Shop, story: Story) -> None:
    """Send everything that was ever sent, as a shop is asked to after a restore."""
    for order in story.sent:
        await shop.send(order)


async def sell(shop: Shop, story: Story, firms: list[str]) -> None:
    """Sell to firms, large and small, paid and not, and give some of it back."""
    for n, ico in enumerate(firms):
        order = ShopOrder(next(NUMBERS), LARGE + 10 if n == 1 else Decimal(1_009), ico, paid=n != 2)
        await send(shop, story, order)
        if n == 3:
            await send(shop, story, ShopOrder(order.number, order.total, ico, refunded=order.total, revision=1))


async def say_whose(rig: Rig, story: Story, ico: str, owner: str | None) -> None:
    """Have a person link the identity of a firm to another firm's client, or to nobody's."""
    ids = {row["ico"]: row["id"] for row in await rig.rows("clients", "select ico, id from clients")}
    (identity,) = await rig.rows("clients", "select id from identities where value = $1", ico)
    place = f"/v1/identities/{identity['id']}/client"
    async with rig.api("clients") as api:
        said = await (api.put(place, json={"client_id": str(ids[owner])}) if owner else api.delete(place))
        said.raise_for_status()
    story.owners[ico] = owner


async def back_up(rig: Rig, *names: str) -> dict[str, str]:
    """Copy databases while their services stand still; return the copies' names."""
    await asyncio.gather(*(asyncio.to_thread(rig.processes[name].stop) for name in names))
    copies = {name: f"{rig.databases[name]}_{uuid4().hex[:6]}" for name in names}
    for name in names:
        await copy_database(rig.databases[name], copies[name])
    await asyncio.gather(*(asyncio.to_thread(rig.processes[name].start) for name in names))
    return copies


async def set_back(rig: Rig, copies: Mapping[str, str]) -> None:
    """Put the copies in the databases' places, as ``restore`` does: under a stamp of their own."""
    await asyncio.gather(*(asyncio.to_thread(rig.processes[name].stop) for name in copies))
    for name, copy in copies.items():
        await copy_database(copy, rig.databases[name])
        await drop_database(copy)
        process = rig.processes[name]
        process.environment = {**process.environment, "KLIENTELA_RESTORE_STAMP": uuid4().hex}
    await asyncio.gather(*(asyncio.to_thread(rig.processes[name].start) for name in copies))


async def copy_database(source: str, target: str) -> None:
    await drop_database(target)
    server = await asyncpg.connect(server_dsn())

    async def copied() -> bool:
        with suppress(asyncpg.ObjectInUseError):  # a session of the stopped service is still going
            await run_formatted(server, "create database %I template %I", target, source)
            return True
        return False

    try:
        await until(copied)
    finally:
        await server.close()


async def drop_database(name: str) -> None:
    server = await asyncpg.connect(server_dsn())
    await run_formatted(server, "drop database if exists %I with (force)", name)
    await server.close()


async def assert_sound(rig: Rig) -> None:
    """All that ``verify`` proves holds, copies against owners included, and nothing is a dead letter."""
    databases = {name: rig.dsn(name) for name in rig.names}
    findings = await prove(all_services(), databases, 30, lambda _: None)
    assert {finding.name: finding.failures for finding in findings if finding.failed} == {}
    for name in rig.names:
        assert await rig.rows(name, "select handler, reason from chassis.dead_letters") == [], name


@pytest.mark.parametrize("rewound", REWOUND, ids="+".join)
async def test_a_database_set_back_to_a_backup(rig: Rig, shop: Shop, story: Story, rewound: tuple[str, ...]) -> None:
    old = [ico_of(next(FIRMS)) for _ in range(5)]
    await sell(shop, story, old)
    await rig.settle()
    await say_whose(rig, story, old[0], None)
    await rig.settle()
    copies, backup = await back_up(rig, *rewound), story.copy()

    new = [ico_of(next(FIRMS)) for _ in range(4)]
    await sell(shop, story, [*new, old[4], old[1]])
    await rig.settle()
    await say_whose(rig, story, old[0], old[1])
    await say_whose(rig, story, new[0], old[1])
    await say_whose(rig, story, old[4], None)
    await rig.settle()
    assert await found(rig) == story.truth(story)
    before = await told(rig)

    await set_back(rig, copies)
    await rig.settle()
    if "clients" in rewound:  # what a person said there in the lost minute is lost
        story.owners = dict(backup.owners)
    there = backup if "orders" in rewound else story
    known = Story()
    known.sent, known.owners = there.sent, story.owners
    acted = backup if rewound == SERVICES else story
    assert await found(rig) == known.truth(acted)
    await assert_sound(rig)

    await send_again(shop, story)
    await rig.settle()
    assert await found(rig) == story.truth(story)
    await assert_sound(rig)
    assert await told(rig) >= before


async def told(rig: Rig) -> set[tuple[str, str]]:
    """Return which rule has acted on which client's what."""
    runs = await rig.rows("automation", "select distinct rule_id::text, client_id::text from runs")
    return {(row[0], row[1]) for row in runs}


async def test_the_right_backup_after_the_wrong_one(rig: Rig, shop: Shop, story: Story) -> None:
    """A backup that is too old is restored, business goes on, then a younger one: it never knew what came between."""
    firms = [ico_of(next(FIRMS)) for _ in range(4)]
    await sell(shop, story, firms)
    await rig.settle()
    older = await back_up(rig, "orders")
    await sell(shop, story, firms)
    await rig.settle()
    younger, known = await back_up(rig, "orders"), story.copy()
    await sell(shop, story, [ico_of(next(FIRMS)) for _ in range(2)])
    await rig.settle()
    await set_back(rig, older)
    await rig.settle()
    await sell(shop, story, [*firms, *firms])
    await rig.settle()
    await set_back(rig, younger)
    await rig.settle()
    assert await found(rig) == known.truth(story)
    await assert_sound(rig)
    await send_again(shop, story)
    await rig.settle()
    assert await found(rig) == story.truth(story)
    await assert_sound(rig)


async def test_a_backup_that_lost_nothing_is_noticed_and_changes_nothing(rig: Rig, shop: Shop, story: Story) -> None:
    """Nothing was written since the backup and nothing is written afterwards: consumers still learn of it."""
    await sell(shop, story, [ico_of(next(FIRMS))])
    await rig.settle()
    heads = {name: [tuple(row)[:2] for row in rows] for name, rows in (await rig.standing()).items()}
    await set_back(rig, await back_up(rig, "orders"))
    await rig.settle()
    assert {name: [tuple(row)[:2] for row in rows] for name, rows in (await rig.standing()).items()} == heads
    assert await found(rig) == story.truth(story)
    await assert_sound(rig)


async def test_the_api_of_an_owner_lets_only_services_ask(rig: Rig) -> None:
    async with rig.api("orders", "admin") as api:
        refused: httpx.Response = await api.post("/v1/events/restate", json={"seen": []})
        assert refused.status_code == 403
