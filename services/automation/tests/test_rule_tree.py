"""A rule tree never raises: it is refused with its places when stored, or gives a verdict for every event."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from automation.domain.facts import Card, Facts
from automation.domain.trigger import TRIGGERS, vocabulary
from chassis.rules import OPERATORS, Field, InvalidTree, Kind, Scene, Tree, compile_tree, evaluate
from schemas.orders import OrderPaid
from services.automation.tests.factories import an_order, czk

ON = OrderPaid.event_type
FIELDS = vocabulary(ON)

json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
money = st.builds(
    lambda amount, currency: {"amount": str(amount), "currency": currency},
    st.decimals(-(10**6), 10**6, places=2), st.sampled_from(["CZK", "EUR"]),
)  # fmt: skip
operands: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.MONEY: money,
    Kind.PURSE: money,
    Kind.NUMBER: st.integers(-(10**6), 10**6) | st.decimals(-(10**6), 10**6, places=2).map(str),
    Kind.TEXT: st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5),
    Kind.TEXTS: st.sampled_from(["TC-12", "MONTAZ"]),
    Kind.BOOLEAN: st.booleans(),
    Kind.MOMENT: st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    Kind.ID: st.uuids().map(str),
}


def _condition(field: Field) -> st.SearchStrategy[dict[str, Any]]:
    one = st.sampled_from(field.choices) if field.choices else operands[field.kind]

    def with_value(operator: str) -> st.SearchStrategy[dict[str, Any]]:
        value: st.SearchStrategy[Any] = one
        if operator in {"null", "notNull"}:
            value = st.none()
        elif operator in {"in", "notIn"}:
            value = st.lists(one, min_size=1, max_size=3)
        elif operator == "between":
            same = st.tuples(one, one).filter(lambda two: not isinstance(two[0], dict) or _same_currency(*two))
            value = same.map(list)
        return st.fixed_dictionaries({"field": st.just(field.name), "operator": st.just(operator), "value": value})

    return st.sampled_from(OPERATORS[field.kind]).flatmap(with_value)


def _same_currency(one: dict[str, str], other: dict[str, str]) -> bool:
    return one["currency"] == other["currency"]


conditions = st.sampled_from(list(FIELDS.values())).flatmap(_condition)
trees = st.recursive(
    conditions,
    lambda inner: st.fixed_dictionaries(
        {"combinator": st.sampled_from(["and", "or"]), "not": st.booleans(), "rules": st.lists(inner, max_size=3)}
    ),
    max_leaves=8,
).map(lambda node: node if "rules" in node else {"rules": [node]})
scenes: st.SearchStrategy[Scene] = st.builds(
    lambda total, currency, placed, facts, card: {
        "event": OrderPaid(order=an_order(str(total), currency=currency, placed_at=placed)), "facts": facts,
        "client": card,
    },
    st.decimals(0, 10**6, places=2), st.sampled_from(["CZK", "EUR"]), st.datetimes(timezones=st.just(UTC)),
    st.builds(Facts, revenue=st.dictionaries(st.sampled_from(["CZK", "EUR"]), st.decimals(-100, 10**6, places=3))),
    st.builds(Card, status=st.none() | st.sampled_from(["VIP", ""]), starred=st.none() | st.booleans()),
) | st.just({})  # fmt: skip


@given(json)
def test_whatever_json_is_read_as_a_tree_or_refused(raw: object) -> None:
    for body in (raw, {"rules": [raw]}, {"rules": [{"field": "order.total", "operator": ">", "value": raw}]}):
        try:
            evaluate(Tree.model_validate(body), FIELDS, {})
        except (ValidationError, InvalidTree):
            continue


@given(trees, scenes)
def test_every_valid_tree_gives_a_verdict_for_every_event(raw: dict[str, Any], scene: Scene) -> None:
    tree = Tree.model_validate(raw)
    predicate = compile_tree(tree, FIELDS)
    verdict = predicate.explain(scene)
    assert verdict.matched is predicate.matches(scene) is _plainly(tree, verdict.findings)
    assert bool(verdict.failed) is not verdict.matched
    assert Tree.model_validate_json(tree.model_dump_json()) == tree
    negated = compile_tree(Tree.model_validate({"not": True, "rules": [raw]}), FIELDS).explain(scene)
    assert negated.matched is not verdict.matched


def _plainly(tree: Tree, findings: Any) -> bool:
    """Say whether a tree holds, told how its conditions stand in their order; written another way than the compiler."""
    left = iter(findings)

    def holds(node: Any) -> bool:
        if not isinstance(node, Tree):
            return bool(next(left).holds)
        parts = [holds(part) for part in node.rules]
        inside = not parts or (all(parts) if node.combinator == "and" else any(parts))
        return inside != node.negated

    return holds(tree)


@pytest.mark.parametrize("on", TRIGGERS)
def test_every_trigger_has_fields_and_every_field_an_operator(on: str) -> None:
    words = vocabulary(on)
    assert {"facts.paid_orders", "facts.revenue", "client.status", "client.starred"} <= words.keys()
    assert any(field.root == "event" for field in words.values())
    assert all(OPERATORS[field.kind] for field in words.values())


@pytest.mark.parametrize(
    ("when", "place"),
    [
        ({"field": "order.colour", "operator": "=", "value": "red"}, "when.rules.0.field"),
        ({"field": "order.total", "operator": "contains", "value": czk("5")}, "when.rules.0.value"),
        ({"field": "order.total", "operator": ">", "value": 50000}, "when.rules.0.value"),
        ({"field": "order.total", "operator": "between", "value": [czk("5")]}, "when.rules.0.value"),
        ({"field": "order.kind", "operator": "=", "value": "gift"}, "when.rules.0.value"),
        ({"field": "facts.paid_orders", "operator": "=", "value": True}, "when.rules.0.value"),
        ({"field": "facts.paid_orders", "operator": "<", "value": float("nan")}, "when.rules.0.value"),
        ({"field": "order.placed_at", "operator": "<", "value": 5}, "when.rules.0.value"),
        ({"field": "order.placed_at", "operator": "<", "value": "2026-10-02T11:30:00"}, "when.rules.0.value"),
        ({"field": "client.starred", "operator": "=", "value": "yes"}, "when.rules.0.value"),
        ({"field": "client.status", "operator": "=", "value": "a\0b"}, "when.rules.0.value"),
        ({"field": "client.status", "operator": "=", "value": "\ud800"}, "when.rules.0.value"),
        ({"field": "client.status", "operator": "null", "value": 1}, "when.rules.0.value"),
        ({"field": "client.status", "operator": "in", "value": []}, "when.rules.0.value"),
        ({"rules": [{"field": "order.id", "operator": "=", "value": "x"}]}, "when.rules.0.rules.0.value"),
    ],
)
def test_a_condition_that_does_not_fit_is_refused_with_its_place(when: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidTree) as refused:
        compile_tree(Tree.model_validate({"rules": [when]}), FIELDS, "when.")
    assert [error["field"] for error in refused.value.errors] == [place]


def test_a_tree_too_deep_or_too_large_is_refused_before_it_is_read() -> None:
    deep: dict[str, Any] = {"field": "order.kind", "operator": "=", "value": "order"}
    for _ in range(8):
        deep = {"rules": [deep]}
    assert evaluate(Tree.model_validate(deep), FIELDS, {}).matched is False
    for _ in range(500):
        deep = {"rules": [deep]}
    wide: dict[str, Any] = {"rules": [{"rules": []}] * 200}
    for tree in (deep, wide):
        with pytest.raises(ValidationError, match="at most 8 groups"):
            Tree.model_validate(tree)


@pytest.mark.parametrize(
    ("condition", "holds", "reason"),
    [
        ({"field": "order.total", "operator": ">", "value": czk("50000")}, True, "holds"),
        ({"field": "order.total", "operator": ">", "value": czk("50000.01")}, False, "differs"),
        (
            {"field": "order.total", "operator": "<", "value": {"amount": "9", "currency": "EUR"}},
            False,
            "another-currency",
        ),
        (
            {"field": "order.total", "operator": "!=", "value": {"amount": "9", "currency": "EUR"}},
            False,
            "another-currency",
        ),
        ({"field": "order.total", "operator": "between", "value": [czk("1"), czk("50000.01")]}, True, "holds"),
        ({"field": "order.client_id", "operator": "notNull"}, True, "holds"),
        ({"field": "order.shipping.city", "operator": "null"}, True, "holds"),
        ({"field": "order.shipping.city", "operator": "=", "value": "Brno"}, False, "missing"),
        ({"field": "order.shipping.city", "operator": "!=", "value": "Brno"}, True, "holds"),
        ({"field": "order.external_id", "operator": "beginsWith", "value": "a-"}, True, "holds"),
        ({"field": "order.items.sku", "operator": "contains", "value": "TC-12"}, False, "differs"),
        ({"field": "facts.paid_orders", "operator": "in", "value": [1, "2"]}, True, "holds"),
        ({"field": "facts.revenue", "operator": ">=", "value": czk("70")}, True, "holds"),
        (
            {"field": "facts.revenue", "operator": "<", "value": {"amount": "1", "currency": "EUR"}},
            False,
            "another-currency",
        ),
        ({"field": "client.status", "operator": "notIn", "value": ["VIP"]}, True, "holds"),
        ({"field": "client.starred", "operator": "=", "value": True}, False, "differs"),
    ],
)
def test_conditions_mean_what_they_say(condition: dict[str, Any], holds: bool, reason: str) -> None:  # noqa: FBT001
    scene = {
        "event": OrderPaid(order=an_order("50000.009")),
        "facts": Facts(paid_orders=2, revenue={"CZK": Decimal(70)}),
        "client": Card(starred=False),
    }
    (finding,) = evaluate(Tree.model_validate({"rules": [condition]}), FIELDS, scene).findings
    assert (finding.holds, finding.reason) == (holds, reason)


def test_what_failed_is_named_through_negated_groups() -> None:
    yes = {"field": "order.kind", "operator": "=", "value": "order"}
    no = {"field": "order.kind", "operator": "=", "value": "refund"}
    tree = {"rules": [yes, no, {"not": True, "combinator": "or", "rules": [no, yes]}, {"not": True, "rules": []}]}
    verdict = evaluate(Tree.model_validate(tree), FIELDS, {"event": OrderPaid(order=an_order())})
    assert verdict.failed == ("rules.1", "rules.2.rules.1", "rules.3")
