"""Action: a campaign for the client."""

from typing import Any, ClassVar, Literal

from automation.actions.action import Action
from automation.domain.run import Occasion
from schemas.automation import CampaignEnrolmentRequested
from schemas.values import Name


class EnrolInCampaign(Action):
    """Enrol the client in a campaign."""

    example: ClassVar[dict[str, Any]] = {"action": "enrol_in_campaign", "campaign": "Podzimní servis"}

    action: Literal["enrol_in_campaign"]
    campaign: Name

    def request(self, occasion: Occasion) -> CampaignEnrolmentRequested:
        return CampaignEnrolmentRequested(**self._head(occasion), campaign=self.campaign)
