"""Action: another status."""

from typing import Any, ClassVar, Literal

from automation.actions.action import Action
from automation.domain.run import Occasion
from schemas.automation import ClientStatusChangeRequested
from schemas.values import Name


class ChangeStatus(Action):
    """Give the client a status."""

    example: ClassVar[dict[str, Any]] = {"action": "change_status", "status": "Stálý odběratel"}

    action: Literal["change_status"]
    status: Name

    def request(self, occasion: Occasion) -> ClientStatusChangeRequested:
        return ClientStatusChangeRequested(**self._head(occasion), status=self.status)
