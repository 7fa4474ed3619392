"""What automation publishes: requests that the owners decide, and its rules."""

from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from schemas.event import Event, Value
from schemas.values import Amount, Instant, Name, Text


class Request(Event):
    """Common shape of what a rule asks an owner to do for a client; ``request_id`` is kept by the owner for ever."""

    request_id: UUID
    client_id: UUID
    rule_id: UUID
    rule_version: int

    @property
    def partition_key(self) -> UUID:
        return self.client_id

    @property
    def subject_id(self) -> UUID:
        return self.request_id


class ClientStatusChangeRequested(Request):
    """A client should get a status."""

    event_type: ClassVar[str] = "automation.client_status_change_requested.v1"
    status: Name


class ClientStarRequested(Request):
    """A client should get a star, or lose it."""

    event_type: ClassVar[str] = "automation.client_star_requested.v1"
    starred: bool


class TaskRequested(Request):
    """Somebody should do something for a client. ``{client}`` in the title stands for the client's name."""

    event_type: ClassVar[str] = "automation.task_requested.v1"
    title: Name
    due: Instant
    assignee: Text = ""


class OpportunityRequested(Request):
    """An opportunity should be opened, its value the price of the product offered."""

    event_type: ClassVar[str] = "automation.opportunity_requested.v1"
    stage: Name
    name: Text
    sku: Name | None = None
    quantity: Amount = Decimal(1)


class CampaignEnrolmentRequested(Request):
    """A client should be enrolled in a campaign."""

    event_type: ClassVar[str] = "automation.campaign_enrolment_requested.v1"
    campaign: Name


class PointsAwardRequested(Request):
    """A client should get points."""

    event_type: ClassVar[str] = "automation.points_award_requested.v1"
    points: int = Field(gt=0, le=1_000_000_000)


class Rule(Value):
    """Public state of one rule."""

    id: UUID
    name: Name
    on: Name
    active: bool
    version: int = Field(ge=1)


class RuleChanged(Event):
    """A rule was made, changed, switched on or off."""

    event_type: ClassVar[str] = "automation.rule_changed.v1"
    rule: Rule

    @property
    def partition_key(self) -> UUID:
        return self.rule.id

    @property
    def subject_id(self) -> UUID:
        return self.rule.id

    @property
    def subject_version(self) -> int:
        return self.rule.version


EVENTS: tuple[type[Event], ...] = (
    ClientStatusChangeRequested, ClientStarRequested, TaskRequested, OpportunityRequested, CampaignEnrolmentRequested,
    PointsAwardRequested, RuleChanged,
)  # fmt: skip
