"""The programme: what money is worth in points, where tiers begin, and which version counts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Literal, NamedTuple

from chassis.effects import SetTimer, StartJob
from chassis.errors import BusinessError, VersionMismatch
from schemas.event import Event
from schemas.ids import derive
from schemas.loyalty import Programme, ProgrammeChanged, Tier

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_PROGRAMME = Programme(
    rates={"CZK": Decimal(10)}, tiers={"silver": 3_000, "gold": 10_000}, valid_from=BEGINNING, version=1
)
"""The programme that every suite starts with; it has always been valid."""

REGRADE = "regrade"


class TiersOutOfOrder(BusinessError):
    """Gold must begin above silver."""

    slug = "tiers-out-of-order"
    status = 422


def tier_of(points: int, tiers: dict[Literal["silver", "gold"], int]) -> Tier:
    """Return the tier of a balance.

    >>> [tier_of(points, {"silver": 3000, "gold": 10000}) for points in (-1, 2999, 3000, 10000)]
    ['bronze', 'bronze', 'silver', 'gold']
    """
    if points >= tiers["gold"]:
        return "gold"
    return "silver" if points >= tiers["silver"] else "bronze"


def points_of(amount: Decimal, rate: Decimal) -> int:
    """Return the whole points that an amount is worth, rounded down also below zero; exact for any decimals.

    >>> points_of(Decimal("19.99"), Decimal("10")), points_of(Decimal("-0.01"), Decimal("10"))
    (1, -1)
    """
    return floor(Fraction(amount) / Fraction(rate))


class Terms(NamedTuple):
    """What a manager wants the programme to be: from ``valid_from``, or from now on."""

    rates: dict[str, Decimal]
    tiers: dict[Literal["silver", "gold"], int]
    valid_from: datetime | None = None
    expected_version: int | None = None


@dataclass(slots=True)
class Programmes:
    """All versions of the programme, in their order, as they are seen at one moment of business time."""

    versions: list[Programme]
    now: datetime

    @property
    def in_force(self) -> Programme:
        """The version that began last: its tiers hold for everybody."""
        return self._begun(self.now) or self.versions[0]

    def of_payment(self, currency: str, paid_at: datetime) -> Programme | None:
        """Return the version that turns a payment into points; None when no version names its currency.

        It is the version that had begun last when the money came, so a late event counts by when it happened. If that
        one does not name the currency, or none had begun, it is the first version that does: a history that is
        imported counts by the first rate there ever was for its currency.
        """
        begun = self._begun(paid_at)
        if begun and currency in begun.rates:
            return begun
        return next((p for p in self.versions if currency in p.rates), None)

    def _begun(self, at: datetime) -> Programme | None:
        """Return the version that began last before an instant; of two that began together, the later made one."""
        begun = (programme for programme in self.versions if programme.valid_from <= at)
        return max(begun, key=lambda programme: (programme.valid_from, programme.version), default=None)

    def version(self, number: int | None) -> Programme | None:
        """Return one version by its number."""
        return self.versions[number - 1] if number else None

    def change(self, terms: Terms) -> Iterator[Event | SetTimer | StartJob]:
        """Add a version, unless nothing would change. Raises VersionMismatch and TiersOutOfOrder."""
        latest = self.versions[-1]
        if terms.expected_version not in {None, latest.version}:
            raise VersionMismatch
        if terms.tiers["silver"] >= terms.tiers["gold"]:
            raise TiersOutOfOrder
        holds = terms.valid_from == latest.valid_from if terms.valid_from else self._begun(self.now) is latest
        if holds and (terms.rates, terms.tiers) == (latest.rates, latest.tiers):
            return
        valid_from = terms.valid_from or self.now
        programme = Programme(rates=terms.rates, tiers=terms.tiers, valid_from=valid_from, version=latest.version + 1)
        self.versions.append(programme)
        yield ProgrammeChanged(programme=programme)
        began = derive("programme", programme.version)
        yield StartJob(REGRADE, began) if valid_from <= self.now else SetTimer(REGRADE, began, valid_from)
