"""What happens in the suite before it is proved: enough for every table that a check looks at to have rows."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.verify.suite_in_process import SuiteInProcess

SECRET = "the shop's own words"
FIRM, OTHER = "25596641", "27074358"


@dataclass
class Story:
    """The ids of what there is when the story has been told."""

    client: UUID
    other: UUID
    order: UUID
    task: UUID
    opportunity: UUID
    key: UUID


def shop_order(number: int, total: str, *, ico: str = FIRM, minute: int = 0, **said: Any) -> bytes:
    """A paid order of one heat pump as a WooCommerce shop sends it."""
    day = "2026-10-01T07"
    return json.dumps({
        "id": number, "number": str(number), "status": "processing", "currency": "CZK", "prices_include_tax": True,
        "date_created_gmt": f"{day}:05:00", "date_modified_gmt": f"{day}:{10 + minute}:00",
        "date_paid_gmt": f"{day}:06:00",
        "total": total, "total_tax": "0.00", "customer_id": 0,
        "billing": {"company": f"Firma {ico} s.r.o.", "email": f"info@{ico}.example", "city": "Brno", "country": "CZ"},
        "shipping": {}, "meta_data": [{"id": 1, "key": "_billing_ic", "value": ico}],
        "line_items": [
            {"id": 9, "name": "Čerpadlo", "quantity": 1, "sku": "TC-12", "price": total, "total": total,
             "total_tax": "0.00"}
        ],
        "refunds": [],
    } | said).encode()  # fmt: skip


async def tell(suite: SuiteInProcess) -> Story:
    """Sell heat pumps to two firms, give some money back, service one a year ago, award points, make a mess or two."""
    await suite.ask(
        "PUT", "clients", "/v1/settings/b2b-clients", json={"create": True, "default_status": "Nový partner"}
    )
    for sku, device in (("TC-12", {"model": "TČ 12"}), ("SERVIS", None)):
        product = {"name": sku, "price": {"amount": "4900", "currency": "CZK"}, "device": device}
        product["service_package"] = "SERVIS" if device else None
        await suite.ask("PUT", "orders", f"/v1/products/{sku}", json=product, expect=201)
    rule = await _make_rules(suite)
    await suite.settle()
    await _sell(suite)
    client, other = await _client(suite, FIRM), await _client(suite, OTHER)
    order = await _move_an_order(suite, other)
    await _service_a_year_ago(suite, client)
    await suite.ask(
        "POST",
        "clients",
        "/v1/tasks",
        json={"client_id": client, "title": "Zavolat", "due": "2026-12-01T08:00:00Z"},
        expect=201,
    )
    key = await suite.ask("POST", "clients", "/v1/keys", json={"name": "Eva", "role": "viewer"}, expect=201)
    await suite.ask("DELETE", "clients", f"/v1/keys/{key['id']}")
    await _unlink_somebody(suite)
    await _make_rules(suite)
    await suite.ask("POST", "automation", f"/v1/rules/{rule}/off")
    await suite.settle()
    tasks = (await suite.ask("GET", "clients", f"/v1/tasks?client_id={client}"))["items"]
    opportunities = (await suite.ask("GET", "orders", f"/v1/opportunities?client_id={client}"))["items"]
    task = next(task["id"] for task in tasks if task["title"].startswith("Proaktivně"))
    return Story(UUID(client), UUID(other), UUID(order), UUID(task), UUID(opportunities[0]["id"]), UUID(key["id"]))


async def _make_rules(suite: SuiteInProcess) -> str:
    """A rule that awards points, and one that asks for what its owner must refuse; return that one's id."""
    made = ""
    for name, action in (
        ("Dárek", {"action": "award_points", "points": 50}),
        ("Špatný stav", {"action": "change_status", "status": "Tenhle není"}),
    ):
        rule = {"name": name, "on": "orders.order_paid.v1", "then": [action], "active": True}
        answer = await suite.ask("POST", "automation", "/v1/rules", json=rule, expect=201)
        made = answer["id"]
    return made


async def _sell(suite: SuiteInProcess) -> None:
    channel = await suite.ask(
        "POST", "orders", "/v1/channels", json={"kind": "woocommerce", "name": "Shop", "secret": SECRET}, expect=201
    )
    bodies = [
        shop_order(1, "1000.00"),
        shop_order(2, "60000.00", minute=1),
        shop_order(3, "500.00", ico=OTHER),
        shop_order(2, "60000.00", minute=2, refunds=[{"id": 5, "total": "-100.50"}]),
        shop_order(4, "70.00", minute=3),
        shop_order(5, "mnoho"),
    ]
    for body in bodies:
        await suite.webhook(channel["webhook_url"], SECRET, body)
        await suite.settle()


async def _client(suite: SuiteInProcess, ico: str) -> str:
    (client,) = (await suite.ask("GET", "clients", f"/v1/clients?ico={ico}"))["items"]
    found: str = client["id"]
    return found


async def _move_an_order(suite: SuiteInProcess, to: str) -> str:
    """An operator gives the fourth order to the other client."""
    orders = (await suite.ask("GET", "orders", "/v1/orders?external_id=4"))["items"]
    order: str = orders[0]["id"]
    await suite.ask("PUT", "orders", f"/v1/orders/{order}/client", json={"client_id": to, "overwrite_billing": True})
    await suite.settle()
    return order


async def _service_a_year_ago(suite: SuiteInProcess, client: str) -> None:
    """A device was serviced eleven months and a day ago, so its timer is due; another one lately."""
    devices = (await suite.ask("GET", "service-desk", f"/v1/devices?client_id={client}"))["items"]
    for device, days in zip(devices, (336, 10), strict=False):
        wanted = {"device_id": device["id"], "title": "Roční prohlídka"}
        job = await suite.ask("POST", "service-desk", "/v1/service-orders", json=wanted, expect=201)
        done = {"completed_at": (datetime.now(UTC) - timedelta(days=days)).isoformat()}
        await suite.ask("POST", "service-desk", f"/v1/service-orders/{job['id']}/complete", json=done)
    await suite.settle()


async def _unlink_somebody(suite: SuiteInProcess) -> None:
    """A person takes the link off an identity."""
    rows = await suite.services["clients"].database.pool.fetch(
        "select i.id from identities i join clients c on c.id = i.client_id where i.kind = 'ico' and c.ico = $1", OTHER
    )
    await suite.ask("DELETE", "clients", f"/v1/identities/{rows[0]['id']}/client")
    await suite.settle()
