"""What a channel says of an order, and how it is understood."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.ids import order_id
from schemas.orders import Item, OrderState
from schemas.values import (
    Address,
    Amount,
    Billing,
    Currency,
    Identity,
    Instant,
    Money,
    Name,
    Text,
    is_dic,
    is_ico,
    tidy_dic,
    tidy_ico,
)

NONE = Decimal(0)
CLOCKS_DIFFER = timedelta(days=1)
EIGHT_DIGITS = re.compile("[0-9]{8}")


class Said(BaseModel):
    """Part of what a channel says; a field we do not know is a mistake to be told, not to be passed over."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SaidParty(Said):
    """Who pays, or where to send it."""

    company: Text = ""
    ico: Text = ""
    dic: Text = ""
    name: Text = ""
    email: Text = ""
    phone: Text = ""
    street: Text = ""
    city: Text = ""
    postcode: Text = ""
    country: Text = ""

    @property
    def address(self) -> Address:
        """The postal part."""
        return Address(street=self.street, city=self.city, postcode=self.postcode, country=self.country)

    @property
    def billing(self) -> Billing:
        """The whole, with its numbers in their usual form."""
        return Billing(
            company=self.company.strip(),
            name=self.name.strip(),
            ico=tidy_ico(self.ico),
            dic=tidy_dic(self.dic),
            email=self.email.strip(),
            phone=self.phone.strip(),
            address=self.address,
        )


class SaidItem(Said):
    """One line; ``currency`` only repeats the order's."""

    sku: Text = ""
    name: Text = ""
    quantity: Amount
    unit_price: Amount
    vat_rate: Amount | None = None
    currency: Currency | None = None


class ChannelOrder(Said):
    """An order as every channel can say it: the canonical form of the topic ``intake.orders`` and of imports."""

    external_id: Name
    revision: Instant
    number: Text = ""
    kind: Literal["order", "refund"] = "order"
    state: OrderState = "open"
    placed_at: Instant | None = None
    paid_at: Instant | None = None
    currency: Currency
    total: Amount
    refunded: Amount = Field(default=NONE, ge=0)
    customer: Text = ""
    billing: SaidParty = SaidParty()
    shipping: SaidParty | None = None
    items: tuple[SaidItem, ...] = ()

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if any(item.currency not in (None, self.currency) for item in self.items):
            message = "mixed-currencies: an item is not in the order's currency"
            raise ValueError(message)
        if self.kind == "refund" and (self.total > 0 or self.refunded):
            message = "refund-above-zero: a refund is an order below zero"
            raise ValueError(message)
        return self


@dataclass(frozen=True, slots=True)
class Revision:
    """One state of an order as a channel told it; ``arrival`` is its place among all that arrived.

    ``revised_at`` is by the channel's clock. ``made_at`` is not after its arrival by ours, whatever that clock says.
    """

    order_id: UUID
    channel_id: UUID
    external_id: str
    number: str
    kind: Literal["order", "refund"]
    revised_at: datetime
    made_at: datetime
    arrival: int
    body_hash: str
    state: OrderState
    total: Money
    refunded: Money
    identity: Identity
    billing: Billing
    shipping: Address | None
    items: tuple[Item, ...]
    warnings: tuple[str, ...]
    placed_at: datetime | None = None
    paid_at: datetime | None = None
    restored_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Removal:
    """A channel no longer has an order; it does not say since when, so the moment we first heard of it counts.

    ``delivery`` tells one deletion delivered twice from two.
    """

    order_id: UUID
    removed_at: datetime
    delivery: str


def revision_of(
    said: ChannelOrder, *, channel_id: UUID, arrival: int, body_hash: str, received_at: datetime | None
) -> Revision:
    """Understand what a channel said; what is odd but can be kept becomes a warning."""
    order, moment = order_id(channel_id, said.external_id), _moment(said.revision, received_at)
    billing = said.billing.billing
    refunded = max(said.refunded, said.total) if said.state == "refunded" and said.kind == "order" else said.refunded
    return Revision(
        order_id=order,
        channel_id=channel_id,
        external_id=said.external_id,
        number=said.number or said.external_id,
        kind=said.kind,
        revised_at=moment,
        made_at=min(moment, received_at or moment),
        arrival=arrival,
        body_hash=body_hash,
        state=_state(said, refunded),
        total=Money(amount=said.total, currency=said.currency),
        refunded=Money(amount=refunded, currency=said.currency),
        identity=identity_of(billing, order, channel_id, said.customer),
        billing=billing,
        shipping=said.shipping.address if said.shipping and said.shipping.address != Address() else None,
        items=tuple(_item(line, item) for line, item in enumerate(said.items, start=1)),
        warnings=tuple(_warnings(said, billing, received_at)),
        placed_at=said.placed_at and said.placed_at.astimezone(UTC),
        paid_at=said.paid_at and said.paid_at.astimezone(UTC),
    )


def identity_of(billing: Billing, order: UUID, channel: UUID, customer: str) -> Identity:
    """Tell by what a buyer is recognised: IČO, DIČ, the channel's customer number, the mail, else the order itself.

    A wrong IČO makes the firm unsure, whatever DIČ stands beside it: such an order waits for a person.
    """
    if is_ico(billing.ico):
        return Identity(kind="ico", value=billing.ico)
    if is_dic(billing.dic) and not billing.ico:
        return Identity(kind="dic", value=billing.dic)
    if customer:
        return Identity(kind="external", value=f"{channel}:{customer}")
    if "@" in billing.email:
        return Identity(kind="email", value=billing.email.lower())
    return Identity(kind="order", value=str(order))


def _moment(revised_at: datetime, received_at: datetime | None) -> datetime:
    """Return when a revision was made; one from the future counts from its arrival, or no honest one could follow."""
    ahead = received_at is not None and revised_at > received_at + CLOCKS_DIFFER
    return (received_at if received_at and ahead else revised_at).astimezone(UTC)


def _state(said: ChannelOrder, refunded: Decimal) -> OrderState:
    """Money tells more than a word: what is paid is not open, what was given back in full is refunded."""
    if said.state == "cancelled":
        return "cancelled"
    if said.kind == "order" and refunded >= said.total > 0:
        return "refunded"
    return "paid" if said.state == "open" and said.paid_at else said.state


def _item(line: int, said: SaidItem) -> Item:
    return Item(
        line=line,
        sku=said.sku.strip(),
        name=said.name,
        quantity=said.quantity,
        unit_price=said.unit_price,
        vat_rate=said.vat_rate,
    )


def _warnings(said: ChannelOrder, billing: Billing, received_at: datetime | None) -> Iterator[str]:
    if billing.ico and not is_ico(billing.ico):
        yield "ico-check-digit" if EIGHT_DIGITS.fullmatch(billing.ico) else "ico-form"
    if billing.dic and not is_dic(billing.dic):
        yield "dic-form"
    if said.kind == "order" and any(item.quantity < 0 for item in said.items):
        yield "negative-quantity"
    if said.kind == "order" and said.refunded > said.total:
        yield "refunded-over-total"
    dates = [at for at in (said.revision, said.placed_at, said.paid_at) if at]
    if received_at and max(dates) > received_at + CLOCKS_DIFFER:
        yield "date-in-future"
