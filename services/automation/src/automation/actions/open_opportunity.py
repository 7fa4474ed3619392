"""Action: a possible sale."""

from typing import Any, ClassVar, Literal

from automation.actions.action import Action
from automation.domain.run import Occasion
from automation.domain.trigger import TRIGGERS
from schemas.automation import OpportunityRequested
from schemas.service_desk import DeviceEvent, MaintenanceDue
from schemas.values import Name, Text

FROM_EVENT = "from-event"


class OpenOpportunity(Action):
    """Open an opportunity; ``from-event`` offers the service package of the event's device, null offers no product."""

    example: ClassVar[dict[str, Any]] = {
        "action": "open_opportunity", "stage": "Kvalifikace", "name": "Preventivní servis", "sku": "SERVIS-ROK",
    }  # fmt: skip

    action: Literal["open_opportunity"]
    stage: Name
    name: Text
    sku: Name | None = FROM_EVENT

    def request(self, occasion: Occasion) -> OpportunityRequested:
        sku = _service_package(occasion) if self.sku == FROM_EVENT else self.sku
        return OpportunityRequested(**self._head(occasion), stage=self.stage, name=self.name, sku=sku)

    def misfit(self, event_type: str) -> tuple[str, str] | None:
        """Only an event about a device has a service package to take the SKU from."""
        if self.sku != FROM_EVENT or issubclass(TRIGGERS[event_type], DeviceEvent | MaintenanceDue):
            return None
        return "sku", f"{event_type} has no device: name a SKU, or null for none"


def _service_package(occasion: Occasion) -> str | None:
    event = occasion.event
    return event.device.service_package if isinstance(event, DeviceEvent | MaintenanceDue) else None
