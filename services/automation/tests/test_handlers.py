"""Events go in, requests come out: once per rule, event and client, and only beyond where a rule was switched on."""

from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from automation.domain.starter import FIRST_PAID_ORDER, LARGE_ORDER, PREVENTIVE_SERVICE
from chassis.events.lanes import lane_of
from chassis.events.record import Record
from chassis.events.unit import unit_of_work
from chassis.testing import Bench
from schemas.automation import (
    CampaignEnrolmentRequested,
    ClientStarRequested,
    ClientStatusChangeRequested,
    OpportunityRequested,
    PointsAwardRequested,
    RuleChanged,
    TaskRequested,
)  # fmt: skip
from schemas.catalogue import EVENTS
from schemas.event import Event
from schemas.ids import request_id
from schemas.orders import OrderPlaced
from services.automation.tests.factories import (
    ALICE,
    BOB,
    a_rule_body,
    an_order,
    created,
    maintenance_due,
    moved,
    paid,
    restarred,
    restatused,
)  # fmt: skip

TABLES = ("client_facts", "order_copies", "rules", "rule_versions", "rule_positions", "runs", "chassis.counters")


async def _everything(bench: Bench) -> list[list[str]]:
    return [[str(row) for row in await bench.rows(f"select * from {table} order by 1, 2")] for table in TABLES]  # noqa: S608


async def _numbered(bench: Bench, event: Event, sequence: int, *, hops: int = 0) -> Record:
    (record,) = await bench.numbered(event)
    return record._replace(sequence=sequence, hops=hops)


async def test_the_first_paid_order_asks_for_the_status_and_the_second_does_not(bench: Bench) -> None:
    placed = OrderPlaced(order=an_order("100"))
    (asked,) = await bench.hear(created(), placed, paid("100", version=2), paid("100", number="A-2"))
    assert isinstance(asked, ClientStatusChangeRequested)
    assert (asked.client_id, asked.status, asked.rule_id) == (ALICE, "Stálý odběratel", FIRST_PAID_ORDER)
    (run,) = await bench.rows("select * from runs")
    assert asked.request_id == request_id(FIRST_PAID_ORDER, "change_status-1", run["event_id"], ALICE)
    assert (run["outcome"], run["lane"], run["sequence"]) == ("acted", lane_of(ALICE), 2)


async def test_an_order_over_50_000_crowns_asks_for_a_star(bench: Bench) -> None:
    below, euros = paid("50000"), paid("90000", number="A-2")
    euros = euros.model_copy(update={"order": an_order("90000", number="A-2", currency="EUR")})
    asked = await bench.hear(below, euros, paid("50000.01", number="A-3"))
    stars = [event for event in asked if isinstance(event, ClientStarRequested)]
    assert [(star.starred, star.rule_id) for star in stars] == [(True, LARGE_ORDER)]


ORDER = (TaskRequested, OpportunityRequested, CampaignEnrolmentRequested)


async def test_maintenance_that_is_due_asks_for_task_opportunity_and_campaign(bench: Bench) -> None:
    await bench.fire_timers(ahead=timedelta(days=100))
    (due,) = await bench.numbered(maintenance_due())
    await bench.hear_records(due)
    heard = await bench.records()
    said = [EVENTS[r.type].model_validate_json(r.body) for r in heard if r.causation == due.id]
    task, opportunity, campaign = sorted(said, key=lambda event: ORDER.index(type(event)))
    assert isinstance(task, TaskRequested)
    assert task.title == "Proaktivně nabídnout preventivní servis klientovi {client}"
    assert task.due == due.at + timedelta(days=7), "days after the event, whenever it is heard"
    assert isinstance(opportunity, OpportunityRequested)
    assert (opportunity.stage, opportunity.name, opportunity.sku) == ("Kvalifikace", "Preventivní servis", "SERVIS-ROK")
    assert isinstance(campaign, CampaignEnrolmentRequested)
    assert {task.rule_id, opportunity.rule_id, campaign.rule_id} == {PREVENTIVE_SERVICE}
    assert await bench.hear(maintenance_due(client=None)) == []


async def test_a_replay_acts_once(bench: Bench) -> None:
    records = [
        await _numbered(bench, event, n)
        for n, event in enumerate([paid("60000"), paid("5", number="B"), paid("-5", number="C")], 1)
    ]
    for record in records:
        await bench.hear_records(record)
    before = await _everything(bench)
    for record in records:
        await bench.hear_records(record)
        await bench.hear_records(*records)
    assert await _everything(bench) == before
    await bench.rows("update chassis.progress set sequence = 0")
    for record in records:
        await bench.hear_records(record)
    assert await _everything(bench) == before
    assert await bench.failing_checks() == {}


async def test_the_start_puts_its_rules_in_once(bench: Bench) -> None:
    before = await _everything(bench)
    for start in bench.service.starts:
        async with unit_of_work(bench.database, "automation") as unit:
            await start(unit)
    assert await _everything(bench) == before
    assert [record.type for record in await bench.records()] == [RuleChanged.event_type] * 3


async def test_a_rule_acts_only_on_events_after_it_was_switched_on(bench: Bench) -> None:
    await bench.hear(paid("500", number="early"))
    async with bench.api("manager") as api:
        rule = (await api.post("/v1/rules", json=a_rule_body())).json()
        assert _points(await bench.hear(paid("500", number="now"))) == 1
        assert (await api.post(f"/v1/rules/{rule['id']}/off")).json()["version"] == 2
        assert _points(await bench.hear(paid("500", number="off"))) == 0
        assert (await api.post(f"/v1/rules/{rule['id']}/on")).json()["active"] is True
    await bench.rows("update chassis.progress set sequence = sequence - 3 where sequence > 0")
    for sequence, number in enumerate(["early", "now", "off", "late"], 1):
        await bench.hear_records(await _numbered(bench, paid("500", number=number), sequence))
    asked = await bench.rows("select * from chassis.events where type = $1", PointsAwardRequested.event_type)
    assert len(asked) == 2, "now, and late"


def _points(events: list[Event]) -> int:
    return sum(isinstance(event, PointsAwardRequested) for event in events)


async def test_rules_see_status_and_star_of_the_card(bench: Bench) -> None:
    when = {"rules": [
        {"field": "client.status", "operator": "=", "value": "VIP"},
        {"field": "client.starred", "operator": "=", "value": True},
    ]}  # fmt: skip
    async with bench.api("manager") as api:
        await api.post("/v1/rules", json=a_rule_body(when=when))
    await bench.hear(created(), restatused("VIP", 2))
    assert _points(await bench.hear(paid("1"))) == 0
    await bench.hear(restarred(3))
    assert _points(await bench.hear(paid("1", number="A-2"))) == 0, "the star came with another status"
    starred_vip = restatused("VIP", 4)
    card = starred_vip.client.model_copy(update={"starred": True})
    await bench.hear(starred_vip.model_copy(update={"client": card}))
    assert _points(await bench.hear(paid("1", number="A-3"))) == 1


async def test_an_order_that_moves_takes_its_facts_along(bench: Bench) -> None:
    await bench.hear(paid("1000"))
    left, assigned = moved(an_order("1000"), BOB)
    await bench.hear(assigned)
    await bench.hear(left)
    rows = {row["client_id"]: row for row in await bench.rows("select * from client_facts")}
    assert [(rows[who]["paid_orders"], rows[who]["revenue"]) for who in (ALICE, BOB)] == [
        (0, "{}"),
        (1, '{"CZK": "1000"}'),
    ]
    assert await bench.failing_checks() == {}


async def test_rules_that_chase_each_other_end_as_a_dead_letter(bench: Bench) -> None:
    first, second = paid("5"), paid("5", number="A-2")
    await bench.hear_records(await _numbered(bench, first, 1, hops=15), await _numbered(bench, second, 2, hops=15))
    (letter,) = await bench.dead_letters()
    assert letter["handler"] == "run_rules"
    assert "TooManyHops" in letter["reason"]
    assert [row["paid_orders"] for row in await bench.rows("select paid_orders from client_facts")] == [2]
    assert await bench.rows("select * from runs") == []


async def test_a_rule_that_cannot_be_read_stops_no_other(bench: Bench) -> None:
    broken = UUID(int=1)
    await bench.rows("insert into rules (id, version) values ($1, 1)", broken)
    await bench.rows(
        "insert into rule_versions values ($1, 1, 'x', 'orders.order_paid.v1', $2, '[]', true, 1, now(), '')",
        broken, '{"rules": [{"field": "order.gone", "operator": "=", "value": 1}]}',
    )  # fmt: skip
    (asked,) = await bench.hear(paid("5"))
    assert isinstance(asked, ClientStatusChangeRequested)
    outcomes = await bench.rows("select rule_id, outcome from runs order by outcome")
    assert [(row["rule_id"], row["outcome"]) for row in outcomes] == [(FIRST_PAID_ORDER, "acted"), (broken, "failed")]


async def test_versions_are_for_ever(bench: Bench) -> None:
    for change in ("update rule_versions set name = 'x'", "delete from rule_versions"):
        with pytest.raises(asyncpg.RaiseError, match="for ever"):
            await bench.rows(change)


async def test_another_database_may_have_other_versions_under_the_same_numbers(bench: Bench) -> None:
    """After a failover the process lives on: what it kept compiled may be of a version that was lost."""
    await bench.hear(created(), paid("100", number="A-1"))
    await bench.rows("alter table rule_versions disable trigger user")
    await bench.rows("update rule_versions set conditions = '{\"rules\": []}', actions = '[]'")
    bench.database.identity += "/promoted"
    assert await bench.hear(paid("100", client=BOB, number="B-1")) == []
    assert await bench.dead_letters() == [], "the other version was read and asks for nothing"


async def test_an_image_put_back_may_have_other_versions_under_the_same_identity(bench: Bench) -> None:
    await bench.hear(created(), paid("100", number="A-1"))
    await bench.rows("alter table rule_versions disable trigger user")
    await bench.rows("update rule_versions set conditions = '{\"rules\": []}', actions = '[]', made_at = now()")
    assert await bench.hear(paid("100", client=BOB, number="B-1")) == []
    assert await bench.dead_letters() == [], "the other version was read and asks for nothing"
