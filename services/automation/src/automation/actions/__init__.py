"""What rules can ask for: a closed table. A new action is one file and one line in each of the two places below."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated

from pydantic import Field, TypeAdapter

from automation.actions.action import Action
from automation.actions.award_points import AwardPoints
from automation.actions.change_status import ChangeStatus
from automation.actions.create_task import CreateTask
from automation.actions.enrol_in_campaign import EnrolInCampaign
from automation.actions.open_opportunity import OpenOpportunity
from automation.actions.set_star import SetStar
from automation.domain.rule import InvalidRule, RuleVersion
from automation.domain.run import Occasion, Step

ACTIONS: dict[str, type[Action]] = {
    "change_status": ChangeStatus,
    "set_star": SetStar,
    "create_task": CreateTask,
    "open_opportunity": OpenOpportunity,
    "enrol_in_campaign": EnrolInCampaign,
    "award_points": AwardPoints,
}

AnyAction = Annotated[
    ChangeStatus | SetStar | CreateTask | OpenOpportunity | EnrolInCampaign | AwardPoints, Field(discriminator="action")
]
_STORED = TypeAdapter[tuple[AnyAction, ...]](tuple[AnyAction, ...])


def refuse_misfits(then: Sequence[Action], event_type: str) -> None:
    """Raise InvalidRule if a parameter makes no sense for the event that the rule listens to."""
    found = [(number, misfit) for number, action in enumerate(then) if (misfit := action.misfit(event_type))]
    if found:
        raise InvalidRule(
            errors=[{"field": f"then.{number}.{field}", "message": why} for number, (field, why) in found]
        )


def steps_of(occasion: Occasion) -> tuple[Step, ...]:
    """Ask for everything the rule wants; an action that fails stops no other."""
    return tuple(_step(action, occasion) for action in actions_of(occasion.rule))


@lru_cache(maxsize=4_096)
def actions_of(rule: RuleVersion) -> tuple[Action, ...]:
    """Return a rule version's actions. Raises ValueError if they were stored by a newer suite."""
    return _STORED.validate_python(rule.then)


def _step(action: Action, occasion: Occasion) -> Step:
    try:
        return Step(action.id, action.action, action.request(occasion))
    except (ValueError, OverflowError):
        return Step(action.id, action.action, reason="request-invalid")
