"""Reads what a WooCommerce shop sends to its webhook (REST order, version 3)."""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, model_validator

from chassis.errors import Rejected
from chassis.service import Intake
from orders.adapters.envelope import channel_of, read_object, told_plainly, unwrap
from orders.domain.channel import MetaKeys
from orders.domain.revision import ChannelOrder, Removal, Revision, SaidItem, SaidParty, revision_of
from schemas.event import Value
from schemas.ids import order_id
from schemas.orders import OrderState
from schemas.values import Amount, Currency, Text

CANCELLED = frozenset({"cancelled", "failed", "trash"})
PLACES = Decimal("0.000001")
LONG = Annotated[Decimal, Field(allow_inf_nan=False, gt=-(10**14), lt=10**14)]
"""A unit price, which the shop computes to many places; the sums are exact."""

Number = Annotated[int, Field(gt=0, lt=10**18, strict=True)]


class ShopAddress(Value):
    """Billing or shipping as the shop has it."""

    first_name: Text = ""
    last_name: Text = ""
    company: Text = ""
    address_1: Text = ""
    address_2: Text = ""
    city: Text = ""
    postcode: Text = ""
    country: Text = ""
    email: Text = ""
    phone: Text = ""

    def as_said(self, **numbers: str) -> SaidParty:
        """Return it in the canonical form, with the numbers found elsewhere."""
        return SaidParty(
            company=self.company,
            name=f"{self.first_name} {self.last_name}".strip(),
            street=", ".join(part for part in (self.address_1, self.address_2) if part),
            city=self.city,
            postcode=self.postcode,
            country=self.country,
            email=self.email,
            phone=self.phone,
            **numbers,
        )


class Meta(Value):
    """What a plug-in left with the order; values may be anything."""

    key: str = ""
    value: Any = None


class TaxShare(Value):
    """How much of one tax rate lies on a line; the shop writes an empty text for none."""

    id: int
    total: Amount | str = ""


class TaxLine(Value):
    """A tax rate of the order, in percent."""

    rate_id: int
    rate_percent: Amount | None = None


class Line(Value):
    """One line: ``price`` is that of one unit without VAT."""

    sku: Text | None = ""
    name: Text | None = ""
    quantity: Amount
    price: LONG
    taxes: tuple[TaxShare, ...] = ()
    currency: Currency | None = None


class Refund(Value):
    """Money given back: ``total`` is below zero."""

    total: Amount
    currency: Currency | None = None


class ShopOrder(Value):
    """The parts of the shop's order that we read."""

    id: Number
    number: Text | int = ""
    status: Text
    currency: Currency
    date_created_gmt: datetime | None = None
    date_modified_gmt: datetime
    date_paid_gmt: datetime | None = None
    total: Amount
    billing: ShopAddress = ShopAddress()
    shipping: ShopAddress | None = None
    meta_data: tuple[Meta, ...] = ()
    line_items: tuple[Line, ...] = ()
    tax_lines: tuple[TaxLine, ...] = ()
    refunds: tuple[Refund, ...] = ()

    @model_validator(mode="after")
    def _one_currency(self) -> "ShopOrder":
        said = {line.currency for line in self.line_items} | {refund.currency for refund in self.refunds}
        if said - {None, self.currency}:
            message = "mixed-currencies: a line or a refund is not in the order's currency"
            raise ValueError(message)
        return self


class ShopDeletion(Value):
    """All that is left of a deleted order."""

    id: Number


def signature_of(body: bytes, secret: str) -> str:
    """Return the signature that the shop puts under a body."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def is_signed(body: bytes, secret: str, signature: str) -> bool:
    """Tell whether a signature is right, in time that does not depend on how wrong it is."""
    return hmac.compare_digest(signature_of(body, secret).encode(), signature.encode(errors="replace"))


def parse(intake: Intake) -> Revision:
    """Read an order that was created or updated. Raises Rejected."""
    letter = unwrap(intake.body)
    channel = channel_of(intake)
    with told_plainly():
        shop = ShopOrder.model_validate(read_object(letter.body))
        return revision_of(
            _as_said(shop, letter.door.settings),
            channel_id=channel,
            arrival=intake.id,
            body_hash=letter.hash,
            received_at=letter.door.received_at,
        )


def parse_restored(intake: Intake) -> Revision:
    """Read an order that is back from the shop's bin. Raises Rejected."""
    return replace(parse(intake), restored_at=unwrap(intake.body).received_at)


def parse_deleted(intake: Intake) -> Removal:
    """Read the deletion of an order, known by its delivery: all deletions of an order look alike. Raises Rejected.

    A shop signs the body and not the topic: one that was captured as something else says more than a deletion does.
    """
    letter = unwrap(intake.body)
    channel = channel_of(intake)
    said = read_object(letter.body)
    if said.keys() > {"id"}:
        message = "a deletion says an id alone; this is something else, told as one"
        raise Rejected(message)
    with told_plainly():
        shop = ShopDeletion.model_validate(said)
    return Removal(order_id(channel, str(shop.id)), letter.received_at, letter.door.delivery or letter.hash)


def _as_said(shop: ShopOrder, keys: MetaKeys) -> ChannelOrder:
    rates = {tax.rate_id: tax.rate_percent for tax in shop.tax_lines}
    numbers = {"ico": _first(shop.meta_data, keys.ico_keys), "dic": _first(shop.meta_data, keys.dic_keys)}
    return ChannelOrder(
        external_id=str(shop.id),
        number=str(shop.number),
        revision=_utc(shop.date_modified_gmt),
        state=_state(shop),
        placed_at=shop.date_created_gmt and _utc(shop.date_created_gmt),
        paid_at=shop.date_paid_gmt and _utc(shop.date_paid_gmt),
        currency=shop.currency,
        total=shop.total,
        refunded=sum((abs(refund.total) for refund in shop.refunds), Decimal(0)),
        billing=shop.billing.as_said(**numbers),
        shipping=shop.shipping.as_said() if shop.shipping else None,
        items=tuple(_items(shop.line_items, rates)),
    )


def _state(shop: ShopOrder) -> OrderState:
    if shop.status in CANCELLED:
        return "cancelled"
    if shop.status == "refunded":
        return "refunded"
    return "paid" if shop.date_paid_gmt else "open"


def _items(lines: Iterable[Line], rates: dict[int, Decimal | None]) -> Iterator[SaidItem]:
    for line in lines:
        charged = [share.id for share in line.taxes if share.total != ""]
        yield SaidItem(
            sku=line.sku or "",
            name=line.name or "",
            quantity=line.quantity,
            unit_price=line.price.quantize(PLACES),
            vat_rate=rates.get(charged[0]) if len(charged) == 1 else None,
        )


def _first(found: Iterable[Meta], keys: Iterable[str]) -> str:
    """Return the first text that stands under one of the keys, in the order of the keys."""
    texts = {meta.key: str(meta.value).strip() for meta in found if isinstance(meta.value, str | int)}
    return next((texts[key] for key in keys if texts.get(key)), "")


def _utc(at: datetime) -> datetime:
    """Read a time of the shop: its ``…_gmt`` fields come without an offset."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
