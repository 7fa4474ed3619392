"""What the loyalty service publishes."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from schemas.event import Event, Value
from schemas.ids import derive
from schemas.values import Amount, Currency, Instant, Name

Tier = Literal["bronze", "silver", "gold"]
PROGRAMME = derive("programme")


class Account(Value):
    """Public state of a client's loyalty account; points may be below zero after a refund."""

    client_id: UUID
    points: int
    tier: Tier
    version: int = Field(ge=1)


class AccountEvent(Event):
    """Common shape: the account as it is now."""

    account: Account

    @property
    def partition_key(self) -> UUID:
        return self.account.client_id

    @property
    def subject_id(self) -> UUID:
        return self.account.client_id

    @property
    def subject_version(self) -> int:
        return self.account.version


class PointsEarned(AccountEvent):
    """An account got points (``points`` > 0) for an order, or by request."""

    event_type: ClassVar[str] = "loyalty.points_earned.v1"
    points: int = Field(gt=0)
    order_id: UUID | None = None
    request_id: UUID | None = None


class PointsTakenBack(AccountEvent):
    """An account lost points (``points`` > 0 were taken): a refund, an edit, an order that went to another client."""

    event_type: ClassVar[str] = "loyalty.points_taken_back.v1"
    points: int = Field(gt=0)
    order_id: UUID | None = None


class TierReached(AccountEvent):
    """An account came to another tier, up or down: from ``previous`` to ``account.tier``.

    ``programme_version`` is the version of the programme whose tiers decided.
    """

    event_type: ClassVar[str] = "loyalty.tier_reached.v1"
    previous: Tier
    programme_version: int | None = None


class Programme(Value):
    """One version of the rules of the game: money per point by currency, and the points where tiers begin."""

    rates: dict[Currency, Annotated[Amount, Field(gt=0)]]
    tiers: dict[Literal["silver", "gold"], int]
    valid_from: Instant
    version: int = Field(ge=1)


class ProgrammeChanged(Event):
    """The programme has a new version."""

    event_type: ClassVar[str] = "loyalty.programme_changed.v1"
    programme: Programme

    @property
    def partition_key(self) -> UUID:
        return PROGRAMME

    @property
    def subject_id(self) -> UUID:
        return PROGRAMME

    @property
    def subject_version(self) -> int:
        return self.programme.version


class RequestRefused(Event):
    """Points that automation asked for were not awarded; ``reason`` is a stable slug."""

    event_type: ClassVar[str] = "loyalty.request_refused.v1"
    request_id: UUID
    client_id: UUID
    reason: Name

    @property
    def partition_key(self) -> UUID:
        return self.client_id

    @property
    def subject_id(self) -> UUID:
        return self.request_id


EVENTS: tuple[type[Event], ...] = (PointsEarned, PointsTakenBack, TierReached, ProgrammeChanged, RequestRefused)
