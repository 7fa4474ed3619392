"""Value types shared by the events: money, identities, addresses."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field, PlainSerializer, StringConstraints
from stdnum.cz import dic as czech_dic
from stdnum.exceptions import ValidationError as BadNumber

from schemas.event import Value
from schemas.ids import derive

Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=2_000)]
"""Text that PostgreSQL can hold: no NUL, at most 2,000 characters."""

Name = Annotated[str, StringConstraints(pattern=r"^[^\x00]+$", min_length=1, max_length=300, strip_whitespace=True)]
"""A text that is not empty."""


def _written_out(amount: Decimal) -> str:
    """Write an amount with all its digits: 60000 that comes from PostgreSQL is read as 6E+4, and is no money so."""
    return f"{amount:f}"


Amount = Annotated[
    Decimal,
    Field(max_digits=20, decimal_places=6, allow_inf_nan=False),
    PlainSerializer(_written_out, return_type=str, when_used="json"),
]
"""An exact decimal below 10^14 with at most six places; never a float, and never in powers of ten."""


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        message = "beyond the years 1 to 9999"
        raise ValueError(message) from error


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment in time, with an offset when it comes and in UTC from then on (RFC 3339)."""

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""An ISO 4217 code."""

IdentityKind = Literal["ico", "dic", "external", "email", "order"]


class Money(Value):
    """An exact amount in one currency; amounts of two currencies are never added."""

    amount: Amount
    currency: Currency

    def __add__(self, other: "Money") -> "Money":
        return Money(amount=self.amount + self._same(other), currency=self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(amount=self.amount - self._same(other), currency=self.currency)

    def _same(self, other: "Money") -> Decimal:
        if other.currency != self.currency:
            message = f"{other.currency} cannot be added to {self.currency}"
            raise ValueError(message)
        return other.amount


class Identity(Value):
    """By what a buyer is known over orders: IČO, DIČ, the channel's customer number, mail, else the order itself."""

    kind: IdentityKind
    value: Text

    @property
    def id(self) -> UUID:
        """The key of the identity's lane and row."""
        return _identity_id(self.kind, self.value)


@lru_cache(maxsize=65_536)
def _identity_id(kind: str, value: str) -> UUID:
    return derive("identity", kind, value)


class Address(Value):
    """A postal address; every field may be missing, as in the shops' data."""

    street: Text = ""
    city: Text = ""
    postcode: Text = ""
    country: Text = ""


class Billing(Value):
    """Who pays: the billing part of an order or of a client card."""

    company: Text = ""
    name: Text = ""
    ico: Text = ""
    dic: Text = ""
    email: Text = ""
    phone: Text = ""
    address: Address = Address()

    @property
    def label(self) -> str:
        """What to call the payer: the company, else the person, else the mail."""
        return self.company or self.name or self.email


def is_ico(value: str) -> bool:
    """Tell whether a text is a Czech IČO: eight digits with a right check digit (a birth number is none).

    >>> is_ico("25596641"), is_ico("25596640"), is_ico("7103192745")
    (True, False, False)
    """
    if not re.fullmatch(r"[0-9]{8}", value):
        return False
    try:
        czech_dic.validate(value)
    except BadNumber:
        return False
    return True


def tidy_ico(value: str) -> str:
    """Return an IČO without spaces and with its leading zeros; whether it is right, ``is_ico`` tells.

    >>> tidy_ico(" 256 63 135 "), tidy_ico("27074358"), tidy_ico("6947")
    ('25663135', '27074358', '00006947')
    """
    digits = re.sub(r"\s", "", value)
    return digits.zfill(8) if digits.isdecimal() and digits.isascii() else digits


def tidy_dic(value: str) -> str:
    """Return a DIČ in capitals without spaces or dashes.

    >>> tidy_dic(" cz 25596641")
    'CZ25596641'
    """
    return re.sub(r"[\s-]", "", value).upper()


def is_dic(value: str) -> bool:
    """Tell whether a text can be a DIČ: a right Czech one, or a foreign one by its form (two letters, 2 to 13 signs).

    >>> is_dic("CZ25596641"), is_dic("CZ25596640"), is_dic("SK2020317068"), is_dic("25596641")
    (True, False, True, False)
    """
    if not re.fullmatch(r"[A-Z]{2}[0-9A-Z+*]{2,13}", value):
        return False
    if not value.startswith("CZ"):
        return True
    try:
        czech_dic.validate(value)
    except BadNumber:
        return False
    return True
