"""Action: points."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from automation.actions.action import Action
from automation.domain.run import Occasion
from schemas.automation import PointsAwardRequested


class AwardPoints(Action):
    """Give the client points."""

    example: ClassVar[dict[str, Any]] = {"action": "award_points", "points": 500}

    action: Literal["award_points"]
    points: int = Field(gt=0, le=1_000_000_000)

    def request(self, occasion: Occasion) -> PointsAwardRequested:
        return PointsAwardRequested(**self._head(occasion), points=self.points)
