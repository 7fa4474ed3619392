"""Managers write rules, everybody with a key reads them; what cannot be stored is refused with its place."""

from typing import Any
from uuid import uuid4

import pytest

from automation.actions import ACTIONS
from automation.domain.starter import FIRST_PAID_ORDER, STARTERS
from automation.domain.trigger import TRIGGERS
from chassis.testing import Bench
from schemas.automation import RuleChanged
from services.automation.tests.factories import ALICE, BOB, a_rule_body, created, czk, paid

NOBODY = str(uuid4())


async def test_the_rules_of_the_start_are_there_and_active(bench: Bench) -> None:
    async with bench.api("viewer") as api:
        page = (await api.get("/v1/rules", params={"count": True, "active": True})).json()
    assert [rule["id"] for rule in page["items"]] == [str(rule_id) for rule_id in STARTERS]
    assert [rule["name"] for rule in page["items"]] == [terms.name for terms in STARTERS.values()]
    assert (page["count"], page["next"]) == (3, None)
    assert page["items"][0]["when"] == {
        "combinator": "and", "not": False, "rules": [{"field": "facts.paid_orders", "operator": "=", "value": 1}],
    }  # fmt: skip


async def test_a_rule_is_made_changed_switched_and_remembers_what_it_was(bench: Bench) -> None:
    async with bench.api("manager") as api:
        made = await api.post("/v1/rules", json=a_rule_body())
        assert (made.status_code, made.json()["version"], made.json()["active"]) == (201, 1, True)
        address = f"/v1/rules/{made.json()['id']}"
        assert (await api.get(address)).json() == made.json()
        wrong = await api.put(address, json=a_rule_body(name="Jiné"), headers={"If-Match": '"2"'})
        assert (wrong.status_code, wrong.json()["type"].rsplit("/", 1)[1]) == (412, "version-mismatch")
        changed = (await api.put(address, json=a_rule_body(name="Jiné"), headers={"If-Match": '"1"'})).json()
        assert (changed["version"], changed["name"], changed["then"]) == (2, "Jiné", made.json()["then"])
        assert (await api.post(f"{address}/off")).json()["active"] is False
        versions = (await api.get(f"{address}/versions", params={"limit": 2, "count": True})).json()
        assert ([version["version"] for version in versions["items"]], versions["count"]) == ([3, 2], 3)
        rest = (await api.get(f"{address}/versions", params={"cursor": versions["next"]})).json()
        assert (rest["items"], rest["next"]) == ([made.json()], None)
    told = [record.version for record in await bench.records() if str(record.subject) == made.json()["id"]]
    assert told == [1, 2, 3]
    assert await bench.failing_checks() == {}


async def test_only_managers_write_rules(bench: Bench) -> None:
    async with bench.api("operator") as api:
        refused = [
            await api.post("/v1/rules", json=a_rule_body()),
            await api.put(f"/v1/rules/{FIRST_PAID_ORDER}", json=a_rule_body()),
            await api.post(f"/v1/rules/{FIRST_PAID_ORDER}/off"),
        ]
    assert [answer.status_code for answer in refused] == [403] * 3
    async with bench.api("") as api:
        assert (await api.get("/v1/rules")).status_code == 401
    assert len(await bench.rows("select * from rule_versions")) == 3


def _when(**condition: Any) -> dict[str, Any]:
    return {"when": {"rules": [{"field": "order.total", "operator": ">", "value": czk("5"), **condition}]}}


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"colour": "red"}, "colour"),
        ({"name": "a\0b"}, "name"),
        ({"name": " "}, "name"),
        ({"on": "orders.order_eaten.v1"}, "on"),
        ({"then": []}, "then"),
        ({"then": [{"action": "eat"}]}, "then.0"),
        ({"then": [{"action": "award_points", "points": 0}]}, "then.0.points"),
        ({"then": [{"action": "open_opportunity", "stage": "Kvalifikace", "name": "x"}]}, "then.0.sku"),
        (_when(field="order.colour"), "when.rules.0.field"),
        (_when(operator="~"), "when.rules.0.operator"),
        (_when(value="5"), "when.rules.0.value"),
        (_when(valu=1), "when.rules.0.valu"),
        ({"when": {"combinator": "xor", "rules": []}}, "when.combinator"),
    ],
)
async def test_a_rule_that_cannot_be_stored_is_refused_with_its_place(
    bench: Bench, wrong: dict[str, Any], place: str
) -> None:
    async with bench.api("manager") as api:
        answer = await api.post("/v1/rules", json=a_rule_body(**wrong))
    assert answer.status_code == 422
    assert place in [error["field"] for error in answer.json()["errors"]]
    assert len(await bench.rows("select * from rules")) == 3


async def test_runs_are_listed_newest_first_by_client_and_rule(bench: Bench) -> None:
    asked = await bench.hear(created(), paid("60000"), paid("9", client=BOB, number="B-1"))
    async with bench.api("viewer") as api:
        page = (await api.get("/v1/runs", params={"client_id": str(ALICE), "limit": 1, "count": True})).json()
        rest = (await api.get("/v1/runs", params={"client_id": str(ALICE), "cursor": page["next"]})).json()
        first = (await api.get("/v1/runs", params={"rule_id": str(FIRST_PAID_ORDER)})).json()
    assert (page["count"], len(rest["items"]), rest["next"]) == (2, 1, None)
    run = rest["items"][0]
    assert {"id", "rule_id", "rule_version", "event_id", "outcome", "steps", "at"} <= run.keys()
    assert (run["rule_id"], run["rule_version"], run["outcome"]) == (str(FIRST_PAID_ORDER), 1, "acted")
    assert run["steps"][0]["request_id"] in {str(event.subject_id) for event in asked}
    assert [run["client_id"] for run in first["items"]] == [str(BOB), str(ALICE)]


async def test_why_says_which_conditions_hold_and_which_fail(bench: Bench) -> None:
    when = {"rules": [
        {"field": "facts.paid_orders", "operator": ">=", "value": 1},
        {"field": "facts.revenue", "operator": ">", "value": {"amount": "1", "currency": "EUR"}},
        {"field": "client.status", "operator": "=", "value": "VIP"},
        {"field": "order.total", "operator": ">", "value": czk("5")},
    ]}  # fmt: skip
    await bench.hear(created(), paid("1000.50"))
    async with bench.api("manager") as api:
        rule = (await api.post("/v1/rules", json=a_rule_body(when=when))).json()
        why = (await api.get(f"/v1/rules/{rule['id']}/why", params={"client_id": str(ALICE)})).json()
        simple = (await api.get(f"/v1/rules/{FIRST_PAID_ORDER}/why", params={"client_id": str(ALICE)})).json()
        facts = (await api.get(f"/v1/facts/{ALICE}")).json()
        unknown = await api.get(f"/v1/rules/{rule['id']}/why", params={"client_id": NOBODY})
    assert [condition["holds"] for condition in why["conditions"]] == [True, False, False, None]
    assert [condition["reason"] for condition in why["conditions"]] == [
        "holds", "another-currency", "differs", "depends-on-event",
    ]  # fmt: skip
    assert why["conditions"][2]["found"] == "Nový partner"
    assert (why["matched"], why["failed"]) == (None, ["rules.1", "rules.2"])
    assert (simple["matched"], simple["failed"]) == (True, [])
    assert (facts["paid_orders"], facts["revenue"]) == (1, [{"amount": "1000.5", "currency": "CZK"}])
    assert unknown.status_code == 404


async def test_what_is_not_there_is_404(bench: Bench) -> None:
    async with bench.api("manager") as api:
        answers = [
            await api.get(f"/v1/rules/{NOBODY}"),
            await api.put(f"/v1/rules/{NOBODY}", json=a_rule_body()),
            await api.post(f"/v1/rules/{NOBODY}/on"),
            await api.get(f"/v1/rules/{NOBODY}/versions"),
        ]
    assert [answer.json()["type"].rsplit("/", 1)[1] for answer in answers] == ["rule-unknown"] * 4
    assert len(await bench.rows("select * from rules")) == 3


@pytest.mark.parametrize("cursor", ["x", "WyJhIl0=", "Wy0xXQ==", "WzFlNDBd"])
async def test_a_cursor_of_nobody_is_refused(bench: Bench, cursor: str) -> None:
    async with bench.api("viewer") as api:
        for path in ("/v1/rules", "/v1/runs", f"/v1/rules/{FIRST_PAID_ORDER}/versions"):
            assert (await api.get(path, params={"cursor": cursor})).status_code == 422


async def test_the_words_of_rules_are_told(bench: Bench) -> None:
    async with bench.api("viewer") as api:
        triggers = (await api.get("/v1/triggers")).json()["items"]
        actions = (await api.get("/v1/actions")).json()["items"]
        head = (await api.get("/v1/actions", params={"limit": 2, "count": True})).json()
        rest = (await api.get("/v1/actions", params={"cursor": head["next"]})).json()
    assert (head["items"] + rest["items"], head["count"], rest["next"]) == (actions, len(ACTIONS), None)
    assert [trigger["on"] for trigger in triggers] == list(TRIGGERS)
    total = next(field for field in triggers[0]["fields"] if field["name"] == "order.total")
    assert (total["kind"], "between" in total["operators"]) == ("money", True)
    assert [action["action"] for action in actions] == list(ACTIONS)
    assert all(action["description"] and action["parameters"]["properties"] for action in actions)
    assert RuleChanged.event_type not in TRIGGERS
