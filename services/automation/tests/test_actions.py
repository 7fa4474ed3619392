"""The table of actions is closed, visible and complete."""

from datetime import timedelta
from typing import get_args
from uuid import UUID

import pytest

from automation.actions import ACTIONS, AnyAction, actions_of, steps_of
from automation.actions.action import Action
from schemas.automation import EVENTS, OpportunityRequested, Request, TaskRequested
from schemas.catalogue import EVENTS as CATALOGUE
from schemas.ids import request_id
from services.automation.tests.factories import ALICE, NOW, a_rule, an_occasion, maintenance_due, paid

BY_NAME = pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS.keys())


def test_the_table_the_union_and_the_requests_there_are_agree() -> None:
    union = get_args(get_args(AnyAction)[0])
    assert set(union) == set(ACTIONS.values())
    asked = {type(_from_example(action).request(an_occasion())) for action in ACTIONS.values()}
    assert asked == {event for event in EVENTS if issubclass(event, Request)}


@BY_NAME
def test_an_action_says_what_it_does_and_its_example_round_trips(action: type[Action]) -> None:
    assert action.__doc__
    read = _from_example(action)
    assert ACTIONS[read.action] is action
    assert action.model_validate_json(read.model_dump_json()) == read


@BY_NAME
def test_an_action_asks_the_same_whenever_the_same_event_is_heard(action: type[Action]) -> None:
    rule = a_rule({**action.example, "id": "a-1"}, version=3)
    (once,), (again,) = steps_of(an_occasion(rule=rule)), steps_of(an_occasion(rule=rule))
    assert once == again
    request = once.request
    assert isinstance(request, Request)
    assert request.request_id == request_id(rule.rule_id, "a-1", an_occasion().event_id, ALICE)
    assert (request.client_id, request.rule_id, request.rule_version) == (ALICE, rule.rule_id, 3)
    assert CATALOGUE[request.event_type].model_validate_json(request.model_dump_json()) == request


@BY_NAME
def test_an_unknown_parameter_is_refused(action: type[Action]) -> None:
    with pytest.raises(ValueError, match="Extra inputs"):
        action.model_validate({**action.example, "colour": "red"})


def test_a_task_is_due_so_many_days_after_the_rule_acted() -> None:
    (step,) = steps_of(
        an_occasion(rule=a_rule({"id": "t", "action": "create_task", "title": "Volat", "due_in_days": 3}))
    )
    assert isinstance(step.request, TaskRequested)
    assert step.request.due == NOW + timedelta(days=3)


@pytest.mark.parametrize("package", ["SERVIS-ROK", None])
def test_an_opportunity_offers_the_service_package_of_the_events_device(package: str | None) -> None:
    rule = a_rule({"id": "o", "action": "open_opportunity", "stage": "Kvalifikace", "name": "Servis"})
    (step,) = steps_of(an_occasion(maintenance_due(package), rule))
    assert isinstance(step.request, OpportunityRequested)
    assert step.request.sku == package


def test_an_action_that_fails_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Request:
        raise ValueError

    monkeypatch.setattr(ACTIONS["set_star"], "request", fail)
    rule = a_rule(
        {"id": "a", "action": "set_star", "starred": True}, {"id": "b", "action": "award_points", "points": 5}
    )
    failed, asked = steps_of(an_occasion(paid(), rule))
    assert (failed.reason, failed.request, failed.request_id) == ("request-invalid", None, None)
    assert isinstance(asked.request_id, UUID)
    assert [action.action for action in actions_of(rule)] == ["set_star", "award_points"]


def _from_example(action: type[Action]) -> Action:
    return action.model_validate(action.example)
