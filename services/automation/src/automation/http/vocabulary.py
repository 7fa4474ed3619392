"""The words rules are made of: events with their fields, and actions; what a visual builder needs."""

import inspect

from automation.actions import ACTIONS
from automation.domain.trigger import TRIGGERS, vocabulary
from automation.http.models import ActionView, FieldView, TriggerView
from chassis.rules import OPERATORS
from chassis.web.paging import Page
from chassis.web.route import Reads, router

routes = router("vocabulary")


@routes.get("/triggers")
async def list_triggers(_: Reads) -> Page[TriggerView]:
    """List the events that rules may listen to, with the fields their conditions may name."""
    return Page(
        items=[
            TriggerView(
                on=name,
                description=inspect.getdoc(event) or "",
                fields=[
                    FieldView(name=field.name, kind=field.kind, operators=OPERATORS[field.kind], choices=field.choices)
                    for field in vocabulary(name).values()
                ],
            )
            for name, event in TRIGGERS.items()
        ]
    )


@routes.get("/actions")
async def list_actions(_: Reads) -> Page[ActionView]:
    """List the actions that rules may take."""
    return Page(
        items=[
            ActionView(
                action=name,
                description=inspect.getdoc(action) or "",
                parameters=action.model_json_schema(),
                example=action.example,
            )
            for name, action in ACTIONS.items()
        ]
    )
