"""Facts follow orders and cards, rules keep their positions, actions keep their ids."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.domain.facts import ClientFacts
from automation.domain.rule import (
    InvalidRule,
    RuleBook,
    RuleState,
    RuleUnknown,
    RuleVersion,
    StoreRule,
    SwitchRule,
    Terms,
    store_rule,
    switch_rule,
)  # fmt: skip
from automation.domain.trigger import client_of
from chassis.errors import VersionMismatch
from chassis.rules import ALWAYS
from schemas.event import Event
from schemas.ids import derive
from schemas.orders import OrderLeft, OrderPaid
from services.automation.tests.factories import (
    ALICE,
    BOB,
    IDENTITY,
    an_order,
    created,
    maintenance_due,
    moved,
    paid,
    restatused,
)  # fmt: skip

RULE = derive("rule", "test")
STAR = {"action": "set_star", "starred": True}
POINTS = {"action": "award_points", "points": 5}


def _client(*events: Event) -> ClientFacts:
    client = ClientFacts(ALICE)
    for event in events:
        if isinstance(event, OrderPaid):
            client.keep_order(event)
    return client


def test_facts_add_up_paid_orders_and_leave_out_refund_orders() -> None:
    client = _client(paid("1000.10"), paid("-200.05", number="R-1"), paid("7", number="A-2"))
    assert (client.facts.orders, client.facts.paid_orders) == (2, 2)
    assert client.facts.revenue == {"CZK": Decimal("807.05")}


def test_an_older_version_of_an_order_or_a_card_changes_nothing() -> None:
    client = _client(paid("1000", version=5))
    client.keep_card(restatused("VIP", 3))
    client.keep_order(paid("9", version=5))
    client.keep_card(restatused("Lead", 2))
    assert client.facts.revenue == {"CZK": Decimal(1000)}
    assert client.card.status == "VIP"


def test_an_order_that_left_counts_no_more() -> None:
    client = _client(paid("1000"))
    client.keep_order(OrderLeft(order=an_order("1000", version=2), left=ALICE))
    assert (client.facts.orders, client.facts.paid_orders, client.facts.revenue) == (0, 0, {})
    assert client.facts.last_order_at is None


@given(st.permutations([("A", 1, "10"), ("A", 2, "20"), ("A", 4, "0"), ("B", 1, "5.5"), ("B", 3, "7")]))
def test_facts_are_the_same_in_whatever_order_versions_are_heard(said: Sequence[tuple[str, int, str]]) -> None:
    client = _client(*[paid(total, number=number, version=version) for number, version, total in said])
    assert (client.facts.orders, client.facts.paid_orders, client.facts.revenue) == (2, 2, {"CZK": Decimal(7)})


@pytest.mark.parametrize(
    ("event", "client"),
    [
        (paid(), ALICE),
        (moved(an_order(), BOB)[0], ALICE),
        (moved(an_order(), BOB)[1], BOB),
        (moved(an_order(client=None), BOB)[0], None),
        (moved(an_order(), None)[1], None),
        (OrderPaid(order=an_order(client=None)), None),
        (created(), ALICE),
        (maintenance_due(), ALICE),
        (maintenance_due(client=None), None),
    ],
)
def test_an_event_concerns_the_client_in_whose_lane_it_travels(event: Event, client: Any) -> None:
    assert client_of(event) == client
    assert client in {None, event.partition_key}
    assert IDENTITY.id != client


def _stored(*steps: StoreRule | SwitchRule) -> tuple[RuleVersion, list[Event]]:
    state, events = RuleState(RULE), []
    for step in steps:
        events += list(store_rule(state, step) if isinstance(step, StoreRule) else switch_rule(state, step))
    assert state.current is not None
    return state.current, events


def _make(*then: dict[str, Any], on: str = "orders.order_paid.v1", at: int = 0, new: bool = False) -> StoreRule:
    progress = {"orders": {7: (1, at)}, "clients": {7: (1, at + 100)}} if at else {}
    return StoreRule(RULE, Terms("Pravidlo", on, ALWAYS, then or (POINTS,)), None, None, progress, new)


def test_a_new_rule_acts_beyond_where_its_lanes_stood() -> None:
    rule, _ = _stored(_make(at=40, new=True))
    assert [rule.hears(7, (1, 40)), rule.hears(7, (1, 41)), rule.hears(8, (1, 1))] == [False, True, True]


def test_an_edited_rule_keeps_its_positions_and_one_switched_on_again_starts_anew() -> None:
    edited, events = _stored(_make(at=40, new=True), _make(STAR, at=90))
    assert (edited.version, edited.since, edited.hears(7, (1, 41))) == (2, 1, True)
    assert [event.subject_version for event in events] == [1, 2]
    off, on = SwitchRule(RULE, active=False), SwitchRule(RULE, active=True, progress={"orders": {7: (1, 95)}})
    again, _ = _stored(_make(at=40, new=True), off, on)
    assert (again.version, again.since, again.hears(7, (1, 95)), again.hears(7, (1, 96))) == (3, 3, False, True)


def test_a_rule_that_listens_to_another_service_starts_from_where_that_stands() -> None:
    rule, _ = _stored(_make(at=40, new=True), _make(on="clients.client_starred.v1", at=50))
    assert (rule.since, rule.hears(7, (1, 150)), rule.hears(7, (1, 151))) == (2, False, True)


def test_an_edit_leaves_a_rule_off_that_is_off() -> None:
    rule, events = _stored(_make(new=True), SwitchRule(RULE, active=False), SwitchRule(RULE, active=False), _make(STAR))
    assert (rule.active, rule.since, rule.version, len(events)) == (False, None, 3, 3)


def test_actions_keep_their_ids_over_edits_and_ids_are_not_used_again() -> None:
    rule, _ = _stored(_make(POINTS, STAR, POINTS, new=True))
    assert [action["id"] for action in rule.then] == ["award_points-1", "set_star-1", "award_points-2"]
    rule, _ = _stored(_make(POINTS, STAR, new=True), _make(STAR, POINTS, {**POINTS, "id": "mine"}, POINTS))
    assert [action["id"] for action in rule.then] == ["set_star-1", "award_points-1", "mine", "award_points-2"]
    with pytest.raises(InvalidRule):
        _stored(_make({**STAR, "id": "a"}, {**POINTS, "id": "a"}, new=True))


def test_what_cannot_be_done_to_a_rule_says_why() -> None:
    with pytest.raises(RuleUnknown):
        _stored(_make())
    with pytest.raises(VersionMismatch):
        _stored(_make(new=True), SwitchRule(RULE, active=False, expected=2))
    with pytest.raises(InvalidRule):
        _stored(_make(on="orders.order_eaten.v1", new=True))


def test_a_rule_book_gives_the_rules_of_an_event_in_their_order() -> None:
    first, second = (RuleVersion(derive(n), 1, str(n), OrderPaid.event_type, ALWAYS, (), active=True) for n in (1, 2))
    book = RuleBook([first, second])
    assert list(book.hearing(paid(), 3, (1, 1))) == [first, second]
    assert list(book.hearing(created(), 3, (1, 1))) == []
