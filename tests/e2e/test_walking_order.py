"""The walking order: one real order on its way through all five services, over HTTP and Kafka alone.

The steps are told in order and stand on each other, as the README tells them.
"""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from dateutil.relativedelta import relativedelta

from tests.e2e.asking import get, state_of_everything
from tests.rig import Rig, until
from tests.shop import Shop, ShopOrder

pytestmark = pytest.mark.asyncio(loop_scope="package")
ICO, OTHER_ICO, LATE_ICO = "25596641", "27074358", "45274649"
STORY: dict[str, Any] = {}


async def client_of(suite: Rig, ico: str) -> dict[str, Any]:
    found = (await get(suite, "clients", "/v1/clients", ico=ico))["items"]
    assert len(found) == 1, found
    card: dict[str, Any] = await get(suite, "clients", f"/v1/clients/{found[0]['id']}")
    return card


async def points_of(suite: Rig, client: str) -> tuple[int, str]:
    account = await get(suite, "loyalty", f"/v1/accounts/{client}")
    return account["points"], account["tier"]


async def test_1_b2b_clients_are_off_by_default(suite: Rig) -> None:
    assert await get(suite, "clients", "/v1/settings/b2b-clients") == {
        "create": False, "default_status": "Nový partner", "label": "Ano, vytvářet klienty pro B2B objednávky",
    }  # fmt: skip
    async with suite.api("orders") as api:
        shop = await Shop.open(api)
        await shop.send(ShopOrder(number=1, total=Decimal("1000.00"), ico=OTHER_ICO))
    STORY["shop"] = shop
    await suite.settle()
    assert (await get(suite, "clients", "/v1/clients"))["items"] == []
    (order,) = (await get(suite, "orders", "/v1/orders", channel_id=STORY["shop"].channel))["items"]
    assert (order["client_id"], order["paid"]) == (None, True)


async def test_2_the_first_b2b_order_makes_klient_1(suite: Rig) -> None:
    async with suite.api("clients", "manager") as api:
        put = await api.put("/v1/settings/b2b-clients", json={"create": True, "default_status": "Nový partner"})
        assert put.status_code == 200, put.text
    async with suite.api("orders") as api:
        STORY["shop"].api = api
        await STORY["shop"].send(ShopOrder(number=2, total=Decimal("1234.50"), ico=ICO, paid=False, status="pending"))
    await suite.settle()
    card = await client_of(suite, ICO)
    assert (card["label"], card["status"], card["starred"]) == ("Klient: 1", "Nový partner", False)
    (order,) = (await get(suite, "orders", "/v1/orders", client_id=card["id"]))["items"]
    assert (order["external_id"], order["paid"]) == ("2", False)
    assert order["total"] == {"amount": "1234.50", "currency": "CZK"}
    STORY["client"], STORY["order"] = card["id"], order["id"]


async def test_3_payment_gives_points_tier_status_and_star(suite: Rig) -> None:
    shop: Shop = STORY["shop"]
    async with suite.api("orders") as api:
        shop.api = api
        await shop.send(ShopOrder(number=2, total=Decimal("1234.50"), ico=ICO, revision=1))
        await suite.settle()
        assert await points_of(suite, STORY["client"]) == (123, "bronze")
        card = await client_of(suite, ICO)
        assert (card["status"], card["starred"]) == ("Stálý odběratel", False)
        await shop.send(ShopOrder(number=3, total=Decimal("50000.00"), ico=ICO))
        await suite.settle()
        assert (await client_of(suite, ICO))["starred"] is False
        await shop.send(ShopOrder(number=4, total=Decimal("50000.01"), ico=ICO))
    await suite.settle()
    assert (await client_of(suite, ICO))["starred"] is True
    assert await points_of(suite, STORY["client"]) == (123 + 5000 + 5000, "gold")


async def test_2b_a_second_channel_writes_to_kafka(suite: Rig) -> None:
    async with suite.api("orders") as api:
        made = (await api.post("/v1/channels", json={"kind": "kafka", "name": "ERP"})).json()
    message = {
        "token": made["token"], "external_id": "A-1", "revision": "2026-10-01T07:05:00Z", "state": "paid",
        "paid_at": "2026-10-01T07:04:00Z", "currency": "CZK", "total": "999.99", "refunded": "0.00", "shipping": None,
        "billing": {
            "company": "Firma", "ico": ICO, "dic": "", "name": "Jana Malá", "email": "jana@example.com", "phone": "",
            "street": "Dlouhá 1", "city": "Brno", "postcode": "60200", "country": "CZ",
        },
        "items": [{"sku": "K-1", "name": "Káva", "quantity": "1", "unit_price": "999.99", "vat_rate": "21"}],
    }  # fmt: skip
    producer = AIOKafkaProducer(bootstrap_servers=suite.bootstrap, acks="all")
    await producer.start()
    await producer.send_and_wait(f"{suite.prefix}intake.orders", json.dumps(message).encode())
    await producer.send_and_wait(f"{suite.prefix}intake.orders", b"\xff not json")
    await producer.send_and_wait(f"{suite.prefix}intake.orders", json.dumps({**message, "token": "wrong"}).encode())
    await producer.stop()

    async def arrived() -> bool:
        return bool((await get(suite, "orders", "/v1/orders", channel_id=made["id"]))["items"])

    await until(arrived)
    await suite.settle()
    (order,) = (await get(suite, "orders", "/v1/orders", channel_id=made["id"]))["items"]
    assert (order["client_id"], order["total"]["amount"]) == (STORY["client"], "999.99")
    assert (await points_of(suite, STORY["client"]))[0] == 10123 + 99
    letters = (await get(suite, "orders", "/v1/dead-letters"))["items"]
    assert len(letters) == 2, letters


async def test_4_a_device_is_sold_serviced_and_remembered(suite: Rig) -> None:
    async with suite.api("orders") as api:
        for sku, body in (
            ("SERVIS", {"name": "Preventivní servis", "price": {"amount": "1990.00", "currency": "CZK"}}),
            ("KAVOVAR", {
                "name": "Kávovar", "price": {"amount": "9990.00", "currency": "CZK"}, "service_package": "SERVIS",
                "device": {"model": "K-9", "warranty_months": 24, "service_months": 12, "service_hours": 1000},
            }),
        ):  # fmt: skip
            put = await api.put(f"/v1/products/{sku}", json=body)
            assert put.status_code in (200, 201), put.text
        STORY["shop"].api = api
        await STORY["shop"].send(ShopOrder(number=5, total=Decimal("9990.00"), ico=ICO, sku="KAVOVAR"))
    await suite.settle()
    (device,) = (await get(suite, "service-desk", "/v1/devices", client_id=STORY["client"]))["items"]
    assert device["terms"]["model"] == "K-9"
    assert device["warranty_until"].startswith("2028-10-01")
    done = datetime.now(UTC) - relativedelta(months=11, days=1)
    async with suite.api("service-desk", "operator") as api:
        opened = await api.post("/v1/service-orders", json={"device_id": device["id"], "title": "Roční prohlídka"})
        assert opened.status_code == 201, opened.text
        path = f"/v1/service-orders/{opened.json()['id']}/complete"
        completed = await api.post(path, json={"completed_at": done.isoformat()})
        assert completed.status_code == 200, completed.text

    async def reminded() -> bool:
        return bool((await get(suite, "clients", "/v1/tasks", client_id=STORY["client"]))["items"])

    await until(reminded)
    await suite.settle()
    card = await client_of(suite, ICO)
    (task,) = (await get(suite, "clients", "/v1/tasks", client_id=STORY["client"]))["items"]
    assert task["title"] == f"Proaktivně nabídnout preventivní servis klientovi {card['name']}"
    (chance,) = (await get(suite, "orders", "/v1/opportunities", client_id=STORY["client"]))["items"]
    assert (chance["stage"], chance["value"]) == ("Kvalifikace", {"amount": "1990.00", "currency": "CZK"})
    assert [item["sku"] for item in chance["items"]] == ["SERVIS"]
    asked = await suite.rows(
        "automation", "select key from chassis.events where type = 'automation.campaign_enrolment_requested.v1'"
    )
    assert [str(row["key"]) for row in asked] == [STORY["client"]]


async def test_5_a_refund_takes_points_back_and_repeats_change_nothing(suite: Rig) -> None:
    before = (await points_of(suite, STORY["client"]))[0]
    shop: Shop = STORY["shop"]
    async with suite.api("orders") as api:
        shop.api = api
        refunded = ShopOrder(number=3, total=Decimal("50000.00"), ico=ICO, refunded=Decimal("50000.00"),
                             status="refunded", revision=5)  # fmt: skip
        await shop.send(refunded)
        await suite.settle()
        assert (await points_of(suite, STORY["client"]))[0] == before - 5000
        known = await state_of_everything(suite)
        for _ in range(10):
            await shop.send(refunded)
        await shop.send(ShopOrder(number=3, total=Decimal("50000.00"), ico=ICO))
        await shop.send(ShopOrder(number=2, total=Decimal("1234.50"), ico=ICO, revision=1))
        await shop.send(ShopOrder(number=2, total=Decimal("1234.50"), ico=ICO, paid=False, status="pending"))
        await suite.settle()
    now = await state_of_everything(suite)
    assert [table for table in now if now[table] != known.get(table)] == []


async def test_5b_wrong_order_ends_the_same(suite: Rig) -> None:
    shop: Shop = STORY["shop"]
    async with suite.api("orders") as api:
        shop.api = api
        paid = ShopOrder(number=20, total=Decimal("700.00"), ico=LATE_ICO, revision=2)
        created = ShopOrder(number=20, total=Decimal("700.00"), ico=LATE_ICO, paid=False, status="pending")
        for order in (paid, created, created, paid):
            await shop.send(order)
    await suite.settle()
    card = await client_of(suite, LATE_ICO)
    assert (await points_of(suite, card["id"]), card["status"]) == ((70, "bronze"), "Stálý odběratel")


async def test_6_unlink_and_relink_move_points_and_facts(suite: Rig) -> None:
    first, second = STORY["client"], (await client_of(suite, LATE_ICO))["id"]
    order = STORY["order"]
    start = ((await points_of(suite, first))[0], (await points_of(suite, second))[0])
    async with suite.api("orders") as api:
        assert (await api.delete(f"/v1/orders/{order}/client")).status_code == 200
        await suite.settle()
        assert ((await points_of(suite, first))[0], (await points_of(suite, second))[0]) == (start[0] - 123, start[1])
        asked = await api.put(f"/v1/orders/{order}/client", json={"client_id": second, "overwrite_billing": False})
        assert (asked.status_code, asked.json()["type"].rsplit("/", 1)[1]) == (409, "confirmation-needed")
        assert asked.json()["errors"]
        linked = await api.put(f"/v1/orders/{order}/client", json={"client_id": second, "overwrite_billing": True})
        assert linked.status_code == 200, linked.text
    await suite.settle()
    assert ((await points_of(suite, first))[0], (await points_of(suite, second))[0]) == (start[0] - 123, start[1] + 123)
    assert (await get(suite, "orders", f"/v1/orders/{order}"))["client_id"] == second
