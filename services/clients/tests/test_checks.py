"""Every check passes on a sound database and fails on a row that was spoilt by hand."""

import pytest

from chassis.testing import Bench
from clients.store import CHECKS, COPIES
from schemas.ids import derive
from services.clients.tests.factories import DAY, OTHER_ICO, buyer, paid, placed
from services.clients.tests.test_handlers import status
from services.clients.tests.test_making import MADE

CORRUPTIONS = {
    "client numbers have no gaps": "update series set last_number = 7",
    "linked identities have a stored client": """
        alter table identities drop constraint identities_client_id_fkey;
        delete from order_copies;
        delete from tasks;
        delete from clients where number = 2
    """,
    "an IČO has one client": "drop index clients_ico; update clients set ico = '25596641'",
    "cards are as they were published last": "update clients set starred = not starred where number = 1",
    "links are as they were published last": "update identities set version = version + 1 where kind = 'ico'",
    "what a person unlinked has no client": """
        alter table identities drop constraint identities_check;
        update identities set unlinked_by_hand = true where kind = 'ico'
    """,
    "tasks were published": "update tasks set id = gen_random_uuid()",
    "orders are counted for stored clients": "update order_copies set client_id = gen_random_uuid() where present",
    "an order is counted for one client": """
        insert into order_copies
        select c.id, order_id, o.incarnation, o.version, present, o.kind, paid, revenue, currency, placed_at
        from order_copies o, clients c
        where c.number = 2
    """,
    "only paid orders bring revenue": "update order_copies set paid = false",
}
ALSO_SEEN = {"linked identities have a stored client": {"client numbers have no gaps"}}
"""Taking a client away leaves a hole among the numbers too."""


async def sound(bench: Bench) -> None:
    """Fill every table that a check looks at."""
    await bench.hear(placed(1), placed(2, identity=buyer("ico", OTHER_ICO)))
    await bench.hear(paid(1, MADE, 2), status(MADE, "VIP"))
    async with bench.api() as api:
        await api.post("/v1/tasks", json={"client_id": str(MADE), "title": "Zavolat", "due": DAY.isoformat()})


def test_every_check_has_a_corruption() -> None:
    assert set(CORRUPTIONS) == {check.name for check in CHECKS}


async def test_a_sound_database_passes_and_every_check_examines_something(making: Bench) -> None:
    await sound(making)
    assert await making.failing_checks() == {}
    examined = {check.name: (await making.rows(check.examined))[0][0] for check in CHECKS}
    assert [name for name, count in examined.items() if not count] == ["what a person unlinked has no client"]


@pytest.mark.parametrize("name", CORRUPTIONS)
async def test_a_spoilt_row_fails_its_check(making: Bench, name: str) -> None:
    await sound(making)
    await making.database.pool.execute(CORRUPTIONS[name])
    failing = await making.failing_checks()
    assert set(failing) == {name} | ALSO_SEEN.get(name, set())


async def test_the_copies_that_verify_compares_are_the_orders_present(making: Bench) -> None:
    await sound(making)
    (row,) = await making.rows(COPIES["orders"])
    assert tuple(row) == (derive("test", "order", 1), MADE, 2, 1000, "order")
