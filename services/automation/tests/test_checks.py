"""Every check passes on what the service writes, and fails on what it never would."""

import pytest

from automation.store import CHECKS, COPIES
from chassis.testing import Bench
from services.automation.tests.factories import ALICE, BOB, a_rule_body, an_order, created, moved, paid

CORRUPTIONS = {
    "automation.facts-follow-orders": "update client_facts set paid_orders = paid_orders + 1",
    "automation.revenue-follows-orders": 'update client_facts set revenue = \'{"CZK": "0.01"}\' where orders > 0',
    "automation.rule-versions-without-gaps": "update rules set version = version + 1",
    "automation.rule-versions-announced": (
        "update chassis.events set type = 'automation.rule_eaten.v1' where type = 'automation.rule_changed.v1'"
    ),
    "automation.runs-asked-once": "update runs set steps = jsonb_set(steps || steps, '{0,request_id}', to_jsonb(id))",
    "automation.requests-have-runs": "delete from runs",
    "automation.positions-belong-to-switching-on": "update rule_positions set source = 'clients'",
}


async def _live(bench: Bench) -> None:
    await bench.hear(created(), paid("60000"))
    async with bench.api("manager") as api:
        assert (await api.post("/v1/rules", json=a_rule_body())).status_code == 201
    await bench.hear(paid("500", number="A-2"), paid("7", number="A-3"))
    await bench.hear(*moved(an_order("7", number="A-3"), BOB))


async def test_all_checks_pass_on_what_the_service_writes(bench: Bench) -> None:
    await _live(bench)
    assert await bench.failing_checks() == {}
    assert all([(await bench.rows(check.examined))[0][0] > 0 for check in CHECKS])


def test_every_check_has_its_corruption() -> None:
    assert set(CORRUPTIONS) == {check.name for check in CHECKS}


@pytest.mark.parametrize("name", CORRUPTIONS)
async def test_a_corruption_is_found_by_exactly_its_check(bench: Bench, name: str) -> None:
    await _live(bench)
    await bench.rows(CORRUPTIONS[name])
    failing = await bench.failing_checks()
    assert set(failing) == {name}
    assert all(failing[name])


async def test_copies_of_orders_are_what_verify_compares(bench: Bench) -> None:
    await _live(bench)
    rows = {(row["client_id"], row["order_id"]): row for row in await bench.rows(COPIES["orders"])}
    moved_order = an_order(number="A-3").id
    assert (BOB, moved_order) in rows
    assert (ALICE, moved_order) not in rows
    assert dict(rows[BOB, moved_order])["version"] == 3
