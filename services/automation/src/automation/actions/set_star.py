"""Action: a star, or none."""

from typing import Any, ClassVar, Literal

from automation.actions.action import Action
from automation.domain.run import Occasion
from schemas.automation import ClientStarRequested


class SetStar(Action):
    """Give the client a star, or take it."""

    example: ClassVar[dict[str, Any]] = {"action": "set_star", "starred": True}

    action: Literal["set_star"]
    starred: bool

    def request(self, occasion: Occasion) -> ClientStarRequested:
        return ClientStarRequested(**self._head(occasion), starred=self.starred)
