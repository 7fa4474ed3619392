"""Orders in the API: taken in batches, listed, linked by hand."""

from typing import Any
from uuid import UUID, uuid4

from chassis.testing import Bench
from schemas.ids import order_id
from schemas.orders import OrderAssigned, OrderLeft, OrderPaid
from services.orders.tests.factories import ALICE, CHANNEL, PAID, a_client, canonical, linked, raw, slug


async def test_a_batch_of_orders_is_accepted_once_however_often_it_is_sent(bench: Bench) -> None:
    async with bench.api() as api:
        channel = (await api.post("/v1/channels", json={"kind": "import", "name": "History"})).json()["id"]
        refund = canonical(external_id="C1", kind="refund", total="-12.125", customer="17850", billing={})
        batch = {"orders": [canonical(total="0.125", customer="17850", billing={}), refund]}
        for _ in range(2):
            answer = await api.post(f"/v1/channels/{channel}/orders", json=batch)
            assert (answer.status_code, answer.json()) == (202, {"accepted": 2})
        events = await bench.take_in("order", CHANNEL)
        assert len(events) == 2
        (back,) = (await api.get("/v1/orders", params={"external_id": "C1", "channel_id": channel})).json()["items"]
        assert back["total"]["amount"] == "-12.125"
        assert (back["kind"], back["identity"]["value"]) == ("refund", f"{channel}:17850")
        wrong = await api.post(f"/v1/channels/{channel}/orders", json={"orders": [canonical(totl=1)]})
        assert wrong.status_code == 422
        assert {error["field"] for error in wrong.json()["errors"]} == {"orders.0.totl"}
        assert (await api.post(f"/v1/channels/{uuid4()}/orders", json=batch)).status_code == 404
        too_many = {"orders": [canonical()] * 501}
        assert (await api.post(f"/v1/channels/{channel}/orders", json=too_many)).status_code == 422


async def test_orders_are_listed_newest_first_page_by_page(bench: Bench) -> None:
    days = [f"2026-10-0{day}T00:00:00Z" for day in (1, 2, 3)]
    await bench.take_in(
        "order", CHANNEL, *(raw(0, external_id=day, placed_at=day) for day in (days[1], days[0], days[2]))
    )
    async with bench.api("viewer") as api:
        params: dict[str, str | int] = {"limit": 2, "channel_id": str(CHANNEL), "state": "open"}
        seen: list[dict[str, Any]] = []
        page = (await api.get("/v1/orders", params=params)).json()
        seen += page["items"]
        page = (await api.get("/v1/orders", params=params | {"cursor": page["next"]})).json()
        seen += page["items"]
        assert slug(await api.get("/v1/orders", params={"cursor": "bad"})) == "invalid-request"
        assert slug(await api.get(f"/v1/orders/{uuid4()}")) == "order-unknown"
        assert (await api.get("/v1/orders", params={"client_id": str(ALICE)})).json()["items"] == []
    assert [item["external_id"] for item in seen] == days[::-1]
    assert page["next"] is None


async def test_what_a_channel_told_of_is_listed_by_its_own_numbers(bench: Bench) -> None:
    async with bench.api() as api:
        channel = UUID((await api.post("/v1/channels", json={"kind": "import", "name": "History"})).json()["id"])
        await bench.take_in("order", channel, *(raw(0, external_id=number) for number in ("b", "a", "c")))
        await bench.take_in("order", CHANNEL, raw(0, external_id="elsewhere"))
        url = f"/v1/channels/{channel}/orders"
        first = (await api.get(url, params={"limit": 2, "count": True})).json()
        last = (await api.get(url, params={"limit": 2, "cursor": first["next"]})).json()
        told = [(one["external_id"], one["state"], one["currency"]) for one in first["items"] + last["items"]]
        assert (told, first["count"], last["next"]) == ([(number, "open", "CZK") for number in "abc"], 3, None)
        assert slug(await api.get(f"/v1/channels/{uuid4()}/orders")) == "channel-unknown"


async def test_amounts_are_written_out_as_they_came(bench: Bench) -> None:
    """PostgreSQL gives back 60000 as 6E+4, which no reader of JSON takes for money."""
    product = {"name": "Čerpadlo", "price": {"amount": "20000", "currency": "CZK"}}
    await bench.take_in("order", CHANNEL, raw(0, total="60000", items=[{"quantity": "200", "unit_price": "300"}]))
    async with bench.api() as api:
        await api.put("/v1/products/P", json=product)
        (order,) = (await api.get("/v1/orders")).json()["items"]
        assert order["total"]["amount"] == "60000"
        assert (order["items"][0]["quantity"], order["items"][0]["unit_price"]) == ("200", "300")
        assert (await api.get("/v1/products/P")).json()["price"]["amount"] == "20000"
        gone = await api.delete(f"/v1/orders/{order['id']}/client")
        assert gone.json()["total"]["amount"] == "60000"
    assert all(b"E+" not in record.body for record in await bench.records())


async def test_orders_with_something_odd_are_listed(bench: Bench) -> None:
    await bench.take_in("order", CHANNEL, raw(0, external_id="odd", billing={"ico": "abc"}), raw(1, external_id="well"))
    async with bench.api("viewer") as api:
        for warned, external_id, warnings in ((True, "odd", ["ico-form"]), (False, "well", [])):
            page = (await api.get("/v1/orders", params={"warned": warned, "count": True})).json()
            assert page["count"] == 1
            assert [(one["external_id"], one["warnings"]) for one in page["items"]] == [(external_id, warnings)]


async def test_an_order_is_linked_by_hand_after_confirmation_and_unlinked(bench: Bench) -> None:
    await bench.hear(a_client())
    await bench.take_in("order", CHANNEL, raw(0, state="paid", paid_at=PAID))
    url = f"/v1/orders/{order_id(CHANNEL, 'A-1')}/client"
    async with bench.api() as api:
        asked = await api.put(url, json={"client_id": str(ALICE)})
        assert (asked.status_code, slug(asked)) == (409, "confirmation-needed")
        assert {"company", "ico", "email", "city"} == {error["field"] for error in asked.json()["errors"]}
        sure = {"client_id": str(ALICE), "overwrite_billing": True}
        unknown = await api.put(url, json=sure | {"client_id": str(uuid4())})
        assert (unknown.status_code, slug(unknown)) == (404, "client-unknown")
        assert (await api.put(url, json=sure, headers={"If-Match": "5"})).status_code == 412
        before = len(await bench.records())
        done = await api.put(url, json=sure, headers={"If-Match": "1"})
        assert done.status_code == 200
        assert done.json()["replaced"]["company"] == "Firma s.r.o."
        assert (done.json()["client_id"], done.json()["assigned_by"]) == (str(ALICE), "operator")
        assert done.json()["billing"]["company"] == "Alice a.s."
        assert len(await bench.records()) == before + 3
        assert {OrderLeft.event_type, OrderAssigned.event_type, OrderPaid.event_type} <= {
            record.type for record in await bench.records()
        }
        assert (await api.put(url, json=sure)).json()["version"] == done.json()["version"]
        assert await bench.hear(linked(client=UUID(int=7))) == []
        gone = await api.delete(url)
        assert (gone.status_code, gone.json()["client_id"]) == (200, None)
        assert (await api.put(f"/v1/orders/{uuid4()}/client", json=sure)).status_code == 404
    assert await bench.rows("select 1 from cards where version = 0") == []
