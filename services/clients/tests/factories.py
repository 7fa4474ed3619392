"""Orders, events and numbers for the tests of this service."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from schemas.clients import Client
from schemas.ids import derive
from schemas.orders import Order, OrderAssigned, OrderEvent, OrderLeft, OrderPaid, OrderPlaced
from schemas.values import Address, Billing, Identity, Money, is_ico

CHANNEL = derive("test", "channel")
DAY = datetime(2026, 10, 1, 7, 5, tzinfo=UTC)
ICO, OTHER_ICO = "25596641", "25663135"
DIC = f"CZ{ICO}"
GROUP_DIC = "CZ699003361"
"""A VAT group's: several companies have it, and it is not made of an IČO."""


def icos(how_many: int) -> list[str]:
    """Return different right IČO."""
    return [text for number in range(10_000_000, 10_000_000 + 30 * how_many) if is_ico(text := str(number))][:how_many]


def buyer(kind: str = "ico", value: str = ICO) -> Identity:
    return Identity.model_validate({"kind": kind, "value": value})


def an_order(number: int = 1, **fields: Any) -> Order:
    """Return order ``number``: of a company with an IČO and DIČ, of nobody yet, unpaid, 1,000 Kč."""
    identity = fields.pop("identity", buyer())
    ico = identity.value if identity.kind == "ico" else ""
    billing = Billing(
        company="Kotelna Vysočina s.r.o.", name="Jana Dvořáčková", ico=ico, dic=f"CZ{ico}" if ico else "",
        email="objednavky@kotelna.example", phone="+420 601 234 567",
        address=Address(street="Příčná 1204/7", city="Jihlava", postcode="586 01", country="CZ"),
    )  # fmt: skip
    amount = Decimal(fields.pop("amount", "1000.00"))
    given: dict[str, Any] = {
        "id": derive("test", "order", number), "channel_id": CHANNEL, "external_id": str(number), "number": str(number),
        "identity": identity, "state": "open", "total": Money(amount=amount, currency="CZK"), "version": 1,
        "refunded": Money(amount=Decimal(fields.pop("refunded", "0.00")), currency="CZK"), "billing": billing,
        "placed_at": DAY + timedelta(days=number), "revised_at": DAY + timedelta(days=number),
    }  # fmt: skip
    return Order(**(given | fields))


def placed(number: int = 1, **fields: Any) -> OrderPlaced:
    return OrderPlaced(order=an_order(number, **fields))


def paid(number: int, client_id: UUID, version: int, **fields: Any) -> OrderPaid:
    order = an_order(
        number, client_id=client_id, version=version, state="paid", paid_at=DAY + timedelta(days=1), **fields
    )
    return OrderPaid(order=order)


def moved(number: int, left: UUID, to: UUID | None, version: int, **fields: Any) -> tuple[OrderLeft, OrderAssigned]:
    """Return the farewell and the greeting of an order that a person gives to another client."""
    there = {"client_id": to, "assigned_by": "operator", **fields}
    was = {**fields, "client_id": None if left == buyer().id else left}
    return (
        OrderLeft(order=an_order(number, version=version, **was), left=left),
        OrderAssigned(order=an_order(number, version=version + 1, **there)),
    )


def assigned(number: int, to: UUID, version: int = 2, **fields: Any) -> OrderAssigned:
    return OrderAssigned(order=an_order(number, client_id=to, version=version, assigned_by="operator", **fields))


def a_client(number: int = 1, **fields: Any) -> Client:
    given: dict[str, Any] = {
        "id": derive("test", "client", number),
        "number": number,
        "kind": "company",
        "name": f"Firma {number}",
    }
    return Client(**({**given, "status": "Nový partner", "version": 1} | fields))


def only(kind: type[OrderEvent] | type, events: list[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]
