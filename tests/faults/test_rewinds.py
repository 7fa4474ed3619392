"""Databases are set back to a backup while the others go on: everybody comes to agree with what the owners now have."""

from collections.abc import AsyncIterator
from decimal import Decimal
from itertools import count

import httpx
import pytest
import pytest_asyncio

from klientela.proof.verify import all_services, prove
from tests.faults.setting_back import back_up, set_back
from tests.faults.story import LARGE, Story, found
from tests.rig import SERVICES, Rig
from tests.shop import Shop, ShopOrder, ico_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
NUMBERS = count(1)
FIRMS = count(2_000_000)
REWOUND = [(service,) for service in SERVICES] + [("clients", "automation"), ("orders", "loyalty"), SERVICES]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(rig: Rig) -> AsyncIterator[Shop]:
    async with rig.api("orders") as api:
        yield await Shop.open(api)


@pytest.fixture(scope="module")
def story() -> Story:
    return Story()


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
