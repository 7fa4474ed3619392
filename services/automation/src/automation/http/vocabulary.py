"""The words rules are made of: events with their fields, and actions; what a visual builder needs."""

import inspect
from collections.abc import Callable, Mapping
from typing import TypeVar

from automation.actions import ACTIONS
from automation.actions.action import Action
from automation.domain.trigger import TRIGGERS, vocabulary
from automation.http.models import ActionView, FieldView, TriggerView
from automation.http.rules import number_after
from chassis.rules import OPERATORS
from chassis.web.paging import Count, Cursor, Limit, Page, page_of
from chassis.web.route import Reads, router
from schemas.event import Event

Word = TypeVar("Word")
View = TypeVar("View")
routes = router("vocabulary")


@routes.get("/triggers")
async def list_triggers(
    _: Reads, limit: Limit = 100, cursor: Cursor = None, *, count: Count = False
) -> Page[TriggerView]:
    """List the events that rules may listen to, with the fields their conditions may name."""
    return _page(TRIGGERS, _trigger, limit, cursor, count=count)


@routes.get("/actions")
async def list_actions(
    _: Reads, limit: Limit = 100, cursor: Cursor = None, *, count: Count = False
) -> Page[ActionView]:
    """List the actions that rules may take."""
    return _page(ACTIONS, _action, limit, cursor, count=count)


def _page(
    words: Mapping[str, Word], view: Callable[[str, Word], View], limit: int, cursor: str | None, *, count: bool
) -> Page[View]:
    """Make a page of words, which stand in the program in their order."""
    after = number_after(cursor, 0)
    rows = list(enumerate(words.items(), start=1))[after : after + limit + 1]
    page = page_of(rows, limit, lambda row: [row[0]], lambda row: view(*row[1]))
    page.count = len(words) if count else None
    return page


def _trigger(name: str, event: type[Event]) -> TriggerView:
    return TriggerView(
        on=name,
        description=inspect.getdoc(event) or "",
        fields=[
            FieldView(name=field.name, kind=field.kind, operators=OPERATORS[field.kind], choices=field.choices)
            for field in vocabulary(name).values()
        ],
    )


def _action(name: str, action: type[Action]) -> ActionView:
    return ActionView(
        action=name,
        description=inspect.getdoc(action) or "",
        parameters=action.model_json_schema(),
        example=action.example,
    )
