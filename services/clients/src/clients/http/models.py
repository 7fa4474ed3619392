"""What the API shows of a client and takes for one."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from clients.store.readers import Total
from schemas.clients import Client
from schemas.values import Address, Money, Name, Text

Kind = Literal["company", "person"]


class Body(BaseModel):
    """What a request says; a field that we do not know is an error, so that a typo is seen."""

    model_config = ConfigDict(extra="forbid")


class ShownAddress(Address):
    """An address on a card, and what it is for."""

    kind: Literal["billing", "delivery"]


class GivenAddress(ShownAddress):
    """An address for a card."""

    model_config = ConfigDict(extra="forbid")


class CardBody(Body):
    """The fields of a card that a person may write; what is left out of a change stays."""

    kind: Kind | None = None
    name: Name | None = None
    ico: Text | None = None
    dic: Text | None = None
    email: Text | None = None
    phone: Text | None = None
    notes: Text | None = None
    addresses: tuple[GivenAddress, ...] | None = Field(default=None, max_length=2)

    @field_validator("*")
    @classmethod
    def _not_null(cls, value: object) -> object:
        if value is None:
            message = "null is no value here; leave the field out"
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _one_of_each(self) -> "CardBody":
        kinds = [address.kind for address in self.addresses or ()]
        if len(set(kinds)) < len(kinds):
            message = "one address of each kind"
            raise ValueError(message)
        return self

    def fields(self) -> dict[str, Any]:
        """Return what was said, by the names of the client's own fields."""
        said = {name: getattr(self, name) for name in self.model_fields_set & CARD_FIELDS}
        if "addresses" in self.model_fields_set:
            given = {address.kind: Address(**address.model_dump(exclude={"kind"})) for address in self.addresses or ()}
            said |= {"billing": given.get("billing", Address()), "delivery": given.get("delivery")}
        return said


CARD_FIELDS = frozenset({"kind", "name", "ico", "dic", "email", "phone", "notes"})


class NewCard(CardBody):
    """A client to store: it needs a name; with an IČO or DIČ it is a company if nothing else is said."""

    name: Name
    status: Name | None = None
    starred: bool = False

    def client(self, client_id: UUID, fields: dict[str, Any]) -> Client:
        """Return the client with fields whose numbers were checked, still without its number."""
        kind = "company" if fields.get("ico") or fields.get("dic") else "person"
        rest = {"kind": kind, "billing": Address(), "delivery": None, "email": "", "phone": "", "notes": "", **fields}
        numbers = {"ico": fields.get("ico", ""), "dic": fields.get("dic", "")}
        return Client.model_construct(
            **{**rest, **numbers, "id": client_id, "status": self.status or "", "starred": self.starred},
            number=0,
            version=0,
        )


class ShownClient(BaseModel):
    """A client card, and what its orders add up to, which changes without a new version of the card."""

    version_tells_all: ClassVar[bool] = False

    id: UUID
    number: int
    label: str
    kind: Kind
    name: str
    ico: str
    dic: str
    status: str
    starred: bool
    email: str
    phone: str
    notes: str
    addresses: list[ShownAddress]
    version: int
    orders: int
    paid_orders: int
    revenue: list[Money]
    last_order_at: datetime | None


def show(client: Client, totals: Sequence[Total]) -> ShownClient:
    """Return a client as the API shows it."""
    placed = [total.last_order_at for total in totals if total.last_order_at]
    plain = client.model_dump(include={*CARD_FIELDS, "id", "number", "status", "starred", "version"})
    return ShownClient(
        **plain,
        label=client.label,
        addresses=list(_addresses(client)),
        orders=sum(total.orders for total in totals),
        paid_orders=sum(total.paid_orders for total in totals),
        revenue=[Money.model_construct(amount=total.revenue, currency=total.currency) for total in totals],
        last_order_at=max(placed, default=None),
    )


def _addresses(client: Client) -> Iterable[ShownAddress]:
    if client.billing != Address():
        yield ShownAddress(kind="billing", **client.billing.model_dump())
    if client.delivery:
        yield ShownAddress(kind="delivery", **client.delivery.model_dump())
