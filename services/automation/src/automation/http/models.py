"""What the API takes and gives."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from automation.actions import AnyAction
from automation.domain.facts import ClientFacts
from automation.domain.rule import RuleVersion
from chassis.rules import ALWAYS, Tree
from schemas.values import Money, Name


class RuleWanted(BaseModel):
    """What a rule is to be; without ``active`` a new rule is on and an old one stays as it is."""

    model_config = ConfigDict(extra="forbid")
    name: Name
    on: Annotated[str, Field(max_length=200, description="The event it listens to; GET /v1/triggers lists them")]
    when: Tree = ALWAYS
    then: Annotated[tuple[AnyAction, ...], Field(min_length=1, max_length=20)]
    active: bool | None = None


class RuleView(BaseModel):
    """One rule as it is now, or as one of its versions was."""

    id: UUID
    name: str
    on: str
    when: Tree
    then: tuple[dict[str, Any], ...]
    active: bool
    version: int

    @classmethod
    def of(cls, rule: RuleVersion) -> "RuleView":
        """Show a version of a rule."""
        return cls(
            id=rule.rule_id, name=rule.name, on=rule.on, when=rule.when, then=tuple(map(dict, rule.then)),
            active=rule.active, version=rule.version,
        )  # fmt: skip


class StepView(BaseModel):
    """What became of one action: the request that was published, or why there is none."""

    id: str
    action: str
    request_id: UUID | None = None
    reason: str | None = None


class RunView(BaseModel):
    """One rule acting on one event. Events on which a rule did not act leave no run."""

    id: UUID
    rule_id: UUID
    rule_version: int
    client_id: UUID
    event_id: UUID
    event_type: str
    outcome: str
    steps: list[StepView]
    at: datetime


class FactsView(BaseModel):
    """What automation knows of a client and rules may ask about."""

    client_id: UUID
    name: str | None
    status: str | None
    starred: bool | None
    orders: int
    paid_orders: int
    revenue: list[Money]
    last_order_at: datetime | None

    @classmethod
    def of(cls, client: ClientFacts) -> "FactsView":
        """Show the facts of a client."""
        card, facts = client.card, client.facts
        revenue = [Money(amount=facts.revenue[currency], currency=currency) for currency in sorted(facts.revenue)]
        return cls(
            client_id=client.client_id, name=card.name, status=card.status, starred=card.starred, orders=facts.orders,
            paid_orders=facts.paid_orders, revenue=revenue, last_order_at=facts.last_order_at,
        )  # fmt: skip


class ConditionView(BaseModel):
    """How one condition stands for a client now; ``holds`` is null when only an event can tell."""

    place: str
    field: str
    operator: str
    value: Any
    found: str | int | bool | Decimal | Money | datetime | UUID | list[str] | dict[str, Decimal] | None
    holds: bool | None
    reason: str


class WhyView(BaseModel):
    """Why a rule would act for a client, or not; ``matched`` is null when that depends on the event."""

    rule_id: UUID
    rule_version: int
    client_id: UUID
    active: bool
    matched: bool | None
    failed: list[str]
    conditions: list[ConditionView]


class FieldView(BaseModel):
    """A field that conditions may name, and how it may be compared."""

    name: str
    kind: str
    operators: tuple[str, ...]
    choices: tuple[str, ...] = ()


class TriggerView(BaseModel):
    """An event that rules may listen to."""

    on: str
    description: str
    fields: list[FieldView]


class ActionView(BaseModel):
    """An action that rules may take, the JSON Schema of its parameters, and an example."""

    action: str
    description: str
    parameters: dict[str, Any]
    example: dict[str, Any]
