"""What an action is: the parameters a rule sets, and the request they make of an occasion."""

from abc import ABC, abstractmethod
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, StringConstraints

from automation.domain.run import Occasion
from schemas.automation import Request
from schemas.ids import request_id

ActionId = Annotated[str, StringConstraints(pattern=r"^([a-z0-9_-]{1,60})?$")]


class Action(BaseModel, ABC):
    """One thing a rule asks for. ``id`` is stable inside its rule; left empty, it is chosen when the rule is stored."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    example: ClassVar[dict[str, Any]]

    id: ActionId = ""
    action: str

    @abstractmethod
    def request(self, occasion: Occasion) -> Request:
        """Return the request. Raises ValueError if this occasion gives no valid one."""

    def misfit(self, event_type: str) -> tuple[str, str] | None:  # noqa: ARG002 - most actions fit every event
        """Return which parameter makes no sense for an event, and why."""
        return None

    def _head(self, occasion: Occasion) -> dict[str, Any]:
        """Return what all requests carry; their id is the same whenever the same event is heard."""
        return {
            "request_id": request_id(occasion.rule.rule_id, self.id, occasion.event_id, occasion.client_id),
            "client_id": occasion.client_id,
            "rule_id": occasion.rule.rule_id,
            "rule_version": occasion.rule.version,
        }
