"""Revisions, webhooks, links and cards as tests want them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx

from orders.adapters.envelope import wrap
from orders.domain.revision import ChannelOrder, Revision, revision_of
from schemas.automation import OpportunityRequested
from schemas.clients import Client, ClientCreated, IdentityLinked
from schemas.event import Event
from schemas.ids import derive
from schemas.orders import DeviceTerms, Product
from schemas.values import Address, Identity, Money

CHANNEL = derive("channel", "test")
ALICE, BOB = derive("client", "Alice"), derive("client", "Bob")
FIRM = Identity(kind="ico", value="25596641")
OTHER = Identity(kind="ico", value="27074358")
MAIL = Identity(kind="email", value="jana@firma.example")
START = datetime(2026, 10, 1, 7, 5, tzinfo=UTC)
PAID = "2026-10-02T11:30:00Z"


def canonical(minute: int = 0, **said: Any) -> dict[str, Any]:
    """An order in the canonical form, as its channel said it a few minutes after the start."""
    return {
        "external_id": "A-1",
        "revision": (START + timedelta(minutes=minute)).isoformat(),
        "placed_at": START.isoformat(),
        "currency": "CZK",
        "total": "1000.00",
        "billing": {"company": "Firma s.r.o.", "ico": FIRM.value, "email": "Jana@Firma.example", "city": "Brno"},
        "items": [{"sku": "TC-12", "name": "Čerpadlo", "quantity": 1, "unit_price": "826.446281", "vat_rate": "21"}],
    } | said


def a_revision(
    minute: int = 0, *, arrival: int = 1, body: str | None = None, received_at: datetime | None = None, **said: Any
) -> Revision:
    """What the canonical form means."""
    order = ChannelOrder.model_validate(canonical(minute, **said))
    told = body or str(canonical(minute, **said))
    return revision_of(order, channel_id=CHANNEL, arrival=arrival, body_hash=told, received_at=received_at)


def raw(minute: int = 0, **said: Any) -> bytes:
    """The canonical form as it is kept in the intake."""
    return wrap(json.dumps(canonical(minute, **said)).encode(), START + timedelta(days=2))


def shop_order(minute: int = 0, **said: Any) -> dict[str, Any]:
    """An order as a WooCommerce shop sends it."""
    return {
        "id": 727, "number": "727", "status": "processing", "currency": "CZK", "prices_include_tax": True,
        "date_created_gmt": "2026-10-01T07:05:00",
        "date_modified_gmt": (START + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%S"),
        "date_paid_gmt": "2026-10-01T07:06:00", "total": "1210.00", "total_tax": "210.00", "customer_id": 0,
        "billing": {
            "first_name": "Jana", "last_name": "Nováková", "company": "Firma s.r.o.", "address_1": "Dlouhá 1",
            "address_2": "", "city": "Brno", "state": "", "postcode": "602 00", "country": "CZ",
            "email": "jana@firma.example", "phone": "603 123 456",
        },
        "shipping": {"first_name": "", "last_name": "", "address_1": "", "city": ""},
        "meta_data": [{"id": 1, "key": "_billing_ic", "value": "255 96 641"}, {"id": 2, "key": "x", "value": {"a": 1}}],
        "line_items": [{
            "id": 9, "name": "Čerpadlo", "product_id": 5, "quantity": 1, "sku": "TC-12", "price": 1000.123456789,
            "total": "1000.00", "total_tax": "210.00", "taxes": [{"id": 3, "total": "210", "subtotal": "210"}],
        }],
        "tax_lines": [{"id": 1, "rate_id": 3, "rate_percent": 21, "tax_total": "210.00"}],
        "refunds": [],
    } | said  # fmt: skip


def linked(identity: Identity = FIRM, client: UUID | None = ALICE, version: int = 1) -> IdentityLinked:
    return IdentityLinked(identity=identity, client_id=client, version=version)


def a_client(client: UUID = ALICE, version: int = 1, **said: Any) -> ClientCreated:
    card = {
        "id": client, "number": 1, "kind": "company", "name": "Alice a.s.", "ico": OTHER.value, "status": "VIP",
        "email": "alice@alice.example", "billing": Address(street="Krátká 2", city="Praha"), "version": version,
    } | said  # fmt: skip
    return ClientCreated(client=Client.model_validate(card))


def a_request(number: int = 1, sku: str | None = "SERVIS") -> OpportunityRequested:
    return OpportunityRequested(
        request_id=derive("request", number), client_id=ALICE, rule_id=derive("rule"), rule_version=3,
        stage="Kvalifikace", name="", sku=sku, quantity=Decimal(2),
    )  # fmt: skip


PUMP = Product(
    sku="TC-12", name="Tepelné čerpadlo", price=Money(amount=Decimal(1000), currency="CZK"),
    device=DeviceTerms(model="TČ 12"), service_package="SERVIS",
)  # fmt: skip


def kinds(events: Sequence[Event]) -> list[type[Event]]:
    """Types in the order of the subject's versions: lanes are read one after the other."""
    return [type(event) for event in sorted(events, key=lambda event: event.subject_version)]


def slug(answer: httpx.Response) -> str:
    """Return the slug of a problem."""
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["type"]).rpartition("/")[2]
