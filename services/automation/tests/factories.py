"""Events as tests want them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from automation.domain.rule import RuleVersion
from automation.domain.run import Occasion
from chassis.rules import ALWAYS, Tree
from schemas.clients import Client, ClientCreated, ClientStarred, ClientStatusChanged
from schemas.event import Event
from schemas.ids import derive
from schemas.orders import DeviceTerms, Order, OrderAssigned, OrderEvent, OrderLeft, OrderPaid
from schemas.service_desk import Device, MaintenanceDue
from schemas.values import Identity, Money

ALICE, BOB = derive("client", "Alice"), derive("client", "Bob")
IDENTITY = Identity(kind="ico", value="25596641")
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
PAID = datetime(2026, 10, 2, 11, 30, tzinfo=UTC)


def czk(amount: str) -> dict[str, str]:
    """Return an amount as JSON."""
    return {"amount": amount, "currency": "CZK"}


def an_order(
    total: str = "1000",
    *,
    client: UUID | None = ALICE,
    refunded: str = "0",
    currency: str = "CZK",
    paid_at: datetime | None = PAID,
    placed_at: datetime = PAID,
    number: str = "A-1",
    version: int = 1,
) -> Order:
    return Order(
        id=derive("order", number), channel_id=derive("channel"), external_id=number, number=number, client_id=client,
        kind="refund" if Decimal(total) < 0 else "order", identity=IDENTITY, state="paid" if paid_at else "open",
        total=Money(amount=Decimal(total), currency=currency),
        refunded=Money(amount=Decimal(refunded), currency=currency),
        placed_at=placed_at, paid_at=paid_at, revised_at=PAID, version=version,
    )  # fmt: skip


def paid(total: str = "1000", *, client: UUID = ALICE, number: str = "A-1", version: int = 1) -> OrderPaid:
    return OrderPaid(order=an_order(total, client=client, number=number, version=version))


def moved(order: Order, to: UUID | None) -> tuple[OrderEvent, OrderEvent]:
    """Return the farewell and the greeting of an order that goes to another client, or back to its identity."""
    farewell = order.model_copy(update={"version": order.version + 1})
    there = order.model_copy(update={"client_id": to, "version": order.version + 2})
    return OrderLeft(order=farewell, left=order.key), OrderAssigned(order=there)


def a_card(version: int = 1, status: str = "Nový partner", *, starred: bool = False, client: UUID = ALICE) -> Client:
    return Client(
        id=client, number=1, kind="company", name="Kotelna s.r.o.", status=status, starred=starred, version=version
    )


def created(version: int = 1) -> ClientCreated:
    return ClientCreated(client=a_card(version))


def restatused(status: str, version: int) -> ClientStatusChanged:
    return ClientStatusChanged(client=a_card(version, status), previous="Nový partner")


def restarred(version: int) -> ClientStarred:
    return ClientStarred(client=a_card(version, starred=True))


def maintenance_due(service_package: str | None = "SERVIS-ROK", client: UUID | None = ALICE) -> MaintenanceDue:
    device = Device(
        id=derive("device"), client_id=client, terms=DeviceTerms(model="TČ 12"), service_package=service_package,
        sold_at=PAID, warranty_until=NOW, version=1,
    )  # fmt: skip
    return MaintenanceDue(device=device, due_at=NOW, last_service_at=PAID)


def a_rule(*then: dict[str, Any], on: str = OrderPaid.event_type, when: Tree = ALWAYS, version: int = 1) -> RuleVersion:
    return RuleVersion(derive("rule", "test"), version, "Pravidlo", on, when, then, active=True, since=1)


def an_occasion(event: Event | None = None, rule: RuleVersion | None = None) -> Occasion:
    return Occasion(rule or a_rule(), event or paid(), derive("event"), ALICE, NOW)


def a_rule_body(**changes: Any) -> dict[str, Any]:
    """Return a rule as a manager sends it."""
    return {
        "name": "Body za velkou objednávku",
        "on": "orders.order_paid.v1",
        "when": {"rules": [{"field": "order.total", "operator": ">=", "value": czk("100")}]},
        "then": [{"action": "award_points", "points": 50}],
        **changes,
    }
