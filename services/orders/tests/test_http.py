"""The API as operators, shops and scripts use it."""

import json
from typing import Any
from uuid import uuid4

import httpx

from chassis.consume.intake import work_off
from chassis.testing import Bench
from orders.adapters.woocommerce import signature_of
from services.orders.tests.factories import (
    CHANNEL,
    FIRM,
    shop_order,
    slug,
)

SECRET = "a secret of the shop and us"
SHOP = {"kind": "woocommerce", "name": "Shop", "secret": SECRET}
PUMP: dict[str, Any] = {
    "name": "Čerpadlo",
    "price": {"amount": "149900.00", "currency": "CZK"},
    "device": {"model": "TČ"},
}


async def _shop(api: httpx.AsyncClient, **more: object) -> str:
    answer = await api.post("/v1/channels", json=SHOP | more)
    assert answer.status_code == 201
    assert answer.json()["webhook_url"] == f"http://orders/v1/webhooks/{answer.json()['id']}"
    assert SECRET not in answer.text
    return f"/v1/webhooks/{answer.json()['id']}"


async def _send(
    api: httpx.AsyncClient, url: str, body: bytes, topic: str = "order.created", **more: str
) -> httpx.Response:
    headers = {"X-WC-Webhook-Topic": topic, "X-WC-Webhook-Signature": signature_of(body, SECRET)} | more
    return await api.post(url, content=body, headers=headers)


async def test_a_signed_webhook_needs_no_key_and_becomes_an_order(bench: Bench) -> None:
    async with bench.api() as api, bench.api("") as shop:
        url = await _shop(api)
        assert (await _send(shop, url, json.dumps(shop_order()).encode())).status_code == 200
        assert await work_off(bench.database, bench.service) == 1
        page = (await api.get("/v1/orders", params={"external_id": "727", "count": True})).json()
    assert page["count"] == 1
    (order,) = page["items"]
    assert order["paid"] is True
    assert order["total"] == {"amount": "1210.00", "currency": "CZK"}
    assert order["channel_id"] in url
    assert order["identity"] == {"kind": "ico", "value": FIRM.value}


async def test_a_deletion_delivered_again_leaves_a_restored_order_alone(bench: Bench) -> None:
    async with bench.api() as api, bench.api("") as shop:
        url = await _shop(api)
        order, gone = json.dumps(shop_order()).encode(), b'{"id": 727}'
        for topic, body, delivery in (
            ("created", order, "1"), ("deleted", gone, "2"), ("restored", order, "3"), ("deleted", gone, "2"),
        ):  # fmt: skip
            headers = {"X-WC-Webhook-Topic": f"order.{topic}", "X-WC-Webhook-Delivery-ID": delivery}
            assert (await _send(shop, url, body, **headers)).status_code == 200
            await work_off(bench.database, bench.service)
        (shown,) = (await api.get("/v1/orders", params={"external_id": "727"})).json()["items"]
    assert shown["state"] == "paid"


async def test_what_is_wrong_at_the_door_is_answered_there_and_not_stored(bench: Bench) -> None:
    async with bench.api() as api, bench.api("") as shop:
        url = await _shop(api)
        body = json.dumps(shop_order()).encode()
        forged = await _send(shop, url, body, **{"X-WC-Webhook-Signature": "bm9wZQ=="})
        assert (forged.status_code, slug(forged)) == (401, "signature-wrong")
        assert (await shop.post(url, content=body)).status_code == 401
        odd = httpx.Headers([(b"X-WC-Webhook-Signature", "ř".encode())])
        assert (await shop.post(url, content=body, headers=odd)).status_code == 401
        unknown = await _send(shop, f"/v1/webhooks/{uuid4()}", body)
        assert (unknown.status_code, slug(unknown)) == (404, "channel-unknown")
        assert (await _send(shop, "/v1/webhooks/nope", body)).status_code == 404
        large = await _send(shop, url, b"{" + b" " * 1024 * 1024 + b"}")
        assert (large.status_code, slug(large)) == (413, "body-too-large")
        without = await api.post("/v1/channels", json=SHOP | {"secret": None})
        assert without.json()["errors"][0]["message"].startswith("a WooCommerce channel needs"), "in our own words"
        for wrong in (b"[]", b"{nope", b"", b"null", b'{"a":' * 50_000):
            answer = await _send(shop, url, wrong)
            assert (answer.status_code, slug(answer)) == (400, "not-a-json-object")
    assert await bench.rows("select 1 from chassis.intake") == []


async def test_the_ping_and_other_topics_are_answered_and_no_more(bench: Bench) -> None:
    async with bench.api() as api, bench.api("") as shop:
        url = await _shop(api)
        assert (await shop.post(url, data={"webhook_id": "4"})).status_code == 200
        assert (await shop.post(f"{url}?from=shop", data={"webhook_id": "4"})).json() == {"state": "pong"}
        assert (await _send(shop, url, b'{"id": 4}', "product.updated")).status_code == 200
    assert await bench.rows("select 1 from chassis.intake") == []


async def test_what_is_wrong_inside_a_signed_body_is_a_dead_letter_and_the_shop_goes_on(bench: Bench) -> None:
    async with bench.api() as api, bench.api("") as shop:
        url = await _shop(api)
        for body in (b'{"id": "\xff"}', b'{"id": 1, "status": "\\ud800"}', b'{"id": 1, "status": "\\u0000"}', b"{}"):
            assert (await _send(shop, url, body)).status_code == 200
    assert await bench.take_in("order", CHANNEL) == []
    assert len(await bench.dead_letters()) == 4


async def test_the_public_address_forms_the_webhooks_url_and_settings_name_the_meta_keys(bench: Bench) -> None:
    bench._settings.public_url = "https://crm.example/orders/"
    async with bench.api() as api, bench.api("") as shop:
        answer = await api.post("/v1/channels", json=SHOP | {"settings": {"ico_keys": ["_ic"]}})
        url = answer.json()["webhook_url"]
        assert url.startswith("https://crm.example/orders/v1/webhooks/")
        body = json.dumps(shop_order(meta_data=[{"key": "_ic", "value": "25596641"}])).encode()
        await _send(shop, f"/v1/webhooks/{answer.json()['id']}", body)
        listed = (await api.get("/v1/channels", params={"count": True})).json()
    assert listed["count"] == 1
    assert listed["items"][0]["settings"] == {"ico_keys": ["_ic"], "dic_keys": ["_billing_dic", "billing_dic"]}
    assert SECRET not in json.dumps(listed)
    (event,) = [e for e in await bench.take_in("order", CHANNEL) if e.subject_version == 1]
    assert event.partition_key == FIRM.id


async def test_a_shops_secret_name_and_meta_keys_are_changed_and_the_rest_stays(bench: Bench) -> None:
    body = json.dumps(shop_order()).encode()
    async with bench.api() as api, bench.api("") as shop, bench.api("viewer") as viewer:
        url = await _shop(api)
        place = url.replace("webhooks", "channels")
        assert (await viewer.patch(place, json={"name": "x"})).status_code == 403
        changed = await api.patch(place, json={"secret": "another secret of ours", "settings": {"ico_keys": ["_ic"]}})
        assert (changed.status_code, changed.json()["name"]) == (200, "Shop")
        assert changed.json()["settings"]["ico_keys"] == ["_ic"]
        assert "another secret of ours" not in changed.text
        assert slug(await _send(shop, url, body)) == "signature-wrong"
        signed = {"X-WC-Webhook-Signature": signature_of(body, "another secret of ours")}
        assert (await _send(shop, url, body, **signed)).status_code == 200
        more = await api.patch(place, json={"name": "E-shop", "settings": {"dic_keys": ["_vat"]}})
        assert more.json()["settings"] == {"ico_keys": ["_ic"], "dic_keys": ["_vat"]}
        for wrong in ({"secret": ""}, {"secret": "x" * 15}, {"kind": "kafka"}, {"name": " "}):
            assert (await api.patch(place, json=wrong)).status_code == 422
        erp = (await api.post("/v1/channels", json={"kind": "kafka", "name": "ERP"})).json()["id"]
        assert slug(await api.patch(f"/v1/channels/{erp}", json={"secret": "x" * 16})) == "secret-not-wanted"
        assert slug(await api.patch(f"/v1/channels/{uuid4()}", json={"name": "x"})) == "channel-unknown"
    assert len(await bench.rows("select 1 from chassis.intake")) == 1


async def test_a_kafka_channels_token_is_shown_once_and_kept_as_a_hash(bench: Bench) -> None:
    async with bench.api() as api:
        made = (await api.post("/v1/channels", json={"kind": "kafka", "name": "ERP"})).json()
        assert made["token"] not in (await api.get("/v1/channels")).text
    assert made["token"] not in str(await bench.rows("select t::text from channels t"))


async def test_a_wrong_channel_or_product_names_the_fields(bench: Bench) -> None:
    async with bench.api() as api:
        for body in ({"kind": "fax", "name": "x"}, {"kind": "kafka", "name": "a\0"}, {"kind": "kafka", "nam": "x"}):
            answer = await api.post("/v1/channels", json=body)
            assert (answer.status_code, slug(answer)) == (422, "invalid-request")
            assert answer.json()["errors"]
        assert (await api.post("/v1/channels", json={"kind": "woocommerce", "name": "x"})).status_code == 422
        assert (await api.put("/v1/products/X", json=PUMP | {"prise": 1})).status_code == 422
        assert (await api.put("/v1/products/X", json=PUMP | {"device": {"model": "x", "months": 1}})).status_code == 422


async def test_roles_decide_before_anything_is_written(bench: Bench) -> None:
    async with bench.api("viewer") as viewer, bench.api("") as nobody:
        assert (await viewer.post("/v1/channels", json=SHOP)).status_code == 403
        assert (await nobody.get("/v1/orders")).status_code == 401
        assert (await viewer.get("/v1/orders")).json() == {"items": [], "next": None}
    assert await bench.rows("select 1 from channels") == []


async def test_a_product_is_put_changed_and_left_as_it_is(bench: Bench) -> None:
    async with bench.api() as api:
        first = await api.put("/v1/products/TC-12%2FA", json=PUMP)
        assert (first.status_code, first.json()["version"], first.json()["sku"]) == (201, 1, "TC-12/A")
        again = await api.put("/v1/products/TC-12%2FA", json=PUMP)
        assert (again.status_code, again.json()["version"]) == (200, 1)
        dearer = PUMP | {"price": {"amount": "1", "currency": "CZK"}}
        stale = await api.put("/v1/products/TC-12%2FA", json=dearer, headers={"If-Match": '"9"'})
        assert (stale.status_code, slug(stale)) == (412, "version-mismatch")
        changed = await api.put("/v1/products/TC-12%2FA", json=dearer, headers={"If-Match": '"1"'})
        assert changed.json()["version"] == 2
        assert (await api.get("/v1/products/TC-12%2FA")).json() == changed.json()
        assert slug(await api.get("/v1/products/none")) == "product-unknown"
        await api.put("/v1/products/B", json=PUMP)
        page = (await api.get("/v1/products", params={"limit": 1, "count": True})).json()
        rest = (await api.get("/v1/products", params={"limit": 1, "cursor": page["next"]})).json()
    assert [page["items"][0]["sku"], rest["items"][0]["sku"], page["count"], rest["next"]] == ["B", "TC-12/A", 2, None]
    assert len(await bench.records()) == 3
