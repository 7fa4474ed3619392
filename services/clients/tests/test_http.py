"""The API of cards: store, find, change."""

from uuid import UUID, uuid4

import httpx
import pytest

from chassis.testing import Bench
from schemas.clients import ClientChanged, ClientStarred
from services.clients.tests.factories import DIC, ICO, OTHER_ICO, assigned, buyer, icos, paid, placed
from services.clients.tests.test_making import everything

CARD = {
    "name": "Kotelna Vysočina s.r.o.", "ico": "255 96 641", "dic": "cz25596641", "email": "a@kotelna.example",
    "phone": "+420 601 234 567", "notes": "Volat po osmé.",
    "addresses": [
        {"kind": "billing", "street": "Příčná 1", "city": "Jihlava", "postcode": "586 01", "country": "CZ"},
        {"kind": "delivery", "street": "Skladová 33", "city": "Třebíč", "postcode": "674 01", "country": "CZ"},
    ],
}  # fmt: skip


async def store(api: httpx.AsyncClient, **fields: object) -> dict[str, object]:
    answer = await api.post("/v1/clients", json={"name": "Firma", **fields})
    assert answer.status_code == 201, answer.text
    body: dict[str, object] = answer.json()
    return body


def slug(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["type"]).rsplit("/", 1)[-1]


async def test_a_reader_who_has_a_card_hears_of_new_orders_though_its_version_is_the_same(bench: Bench) -> None:
    async with bench.api() as api:
        made = await store(api, ico=ICO)
        card = f"/v1/clients/{made['id']}"
        tag = (await api.get(card)).headers["etag"]
        assert (await api.get(card, headers={"If-None-Match": tag})).status_code == 304
        await bench.hear(paid(1, UUID(str(made["id"])), 2))
        shown = (await api.get(card, headers={"If-None-Match": tag})).json()
        assert (shown["version"], shown["paid_orders"]) == (1, 1)
        starred = await api.put(f"{card}/star", json={"starred": True}, headers={"If-Match": tag})
        assert (starred.status_code, starred.json()["version"]) == (200, 2)


async def test_a_client_stored_by_hand_is_shown_whole_and_published(bench: Bench) -> None:
    async with bench.api() as api:
        made = await store(api, **CARD)
        assert (await api.get(f"/v1/clients/{made['id']}")).json() == made
    assert {**made, "id": None} == {
        **CARD, "id": None, "number": 1, "label": "Klient: 1", "kind": "company", "ico": ICO, "dic": DIC,
        "status": "Nový partner", "starred": False, "version": 1, "orders": 0, "paid_orders": 0, "revenue": [],
        "last_order_at": None,
    }  # fmt: skip
    types = [record.type for record in await bench.records()]
    assert sorted(types) == ["clients.client_created.v1", *["clients.identity_linked.v1"] * 2]
    assert await bench.failing_checks() == {}


async def test_orders_of_a_stored_client_are_its_own_though_the_setting_is_off(bench: Bench) -> None:
    async with bench.api() as api:
        made = await store(api, **CARD)
    assert await bench.hear(placed()) == []
    assert str((await bench.rows("select client_id from identities where id = $1", buyer().id))[0][0]) == made["id"]


async def test_an_ico_that_is_taken_names_its_client(bench: Bench) -> None:
    async with bench.api() as api:
        made = await store(api, ico=ICO)
        answer = await api.post("/v1/clients", json={"name": "Druhá", "ico": ICO})
        assert (answer.status_code, slug(answer)) == (409, "ico-taken")
        (error,) = answer.json()["errors"]
        assert (error["field"], error["client_id"], error["label"]) == ("ico", made["id"], "Klient: 1")
        answer = await api.post("/v1/clients", json={"name": "Druhá", "dic": DIC})
        assert (answer.status_code, slug(answer)) == (409, "dic-taken")
        assert (await store(api, ico=OTHER_ICO, dic=DIC))["number"] == 2
    assert await bench.failing_checks() == {}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"name": "X", "ico": "25596640"}, "ico-wrong"),
        ({"name": "X", "ico": "7103192745"}, "ico-wrong"),
        ({"name": "X", "dic": "CZ25596640"}, "dic-wrong"),
        ({"name": "X", "status": "Neznámý"}, "status-unknown"),
        ({"name": "  "}, "invalid-request"),
        ({"name": "a\0b"}, "invalid-request"),
        ({"name": "X", "nmae": "Y"}, "invalid-request"),
        ({"name": "X", "email": None}, "invalid-request"),
        ({"name": "X", "ico": 25596641}, "invalid-request"),
        ({"name": "X", "notes": "x" * 2001}, "invalid-request"),
        ({"name": "X", "addresses": [{"kind": "home"}]}, "invalid-request"),
        ({"name": "X", "addresses": [{"kind": "billing", "zip": "1"}]}, "invalid-request"),
        ({"name": "X", "addresses": [{"kind": "billing"}, {"kind": "billing"}]}, "invalid-request"),
        ([], "invalid-request"),
    ],
)
async def test_a_bad_card_is_refused_and_leaves_nothing(bench: Bench, body: object, expected: str) -> None:
    before = await everything(bench)
    async with bench.api() as api:
        answer = await api.post("/v1/clients", json=body)
    assert (answer.status_code, slug(answer)) == (422, expected)
    assert await everything(bench) == before


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'{"name": "\\ud800"}', b"", b'{"name": 1e999}'])
async def test_a_body_that_cannot_be_read_is_refused(bench: Bench, body: bytes) -> None:
    async with bench.api() as api:
        answer = await api.post("/v1/clients", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in {400, 422}, answer.text
    assert await bench.records() == []


async def test_a_card_is_changed_only_where_it_differs(bench: Bench) -> None:
    async with bench.api() as api:
        made = await store(api, **CARD)
        url = f"/v1/clients/{made['id']}"
        same = await api.patch(url, json={"phone": made["phone"], "ico": ICO})
        assert (same.status_code, same.json()["version"]) == (200, 1)
        changed = await api.patch(url, json={"phone": "1", "name": "Nová"}, headers={"If-Match": '"1"'})
        assert (changed.json()["phone"], changed.json()["name"], changed.json()["version"]) == ("1", "Nová", 2)
        stale = await api.patch(url, json={"phone": "2"}, headers={"If-Match": "1"})
        assert (stale.status_code, slug(stale)) == (412, "version-mismatch")
        assert (await api.patch(url, json={"phone": "2"}, headers={"If-Match": "x"})).status_code == 412
        assert (await api.patch(url, json={"name": None})).status_code == 422
        assert (await api.patch(url, json={"addresses": []})).json()["addresses"] == []
        assert (await api.patch(f"/v1/clients/{uuid4()}", json={"name": "X"})).status_code == 404
    assert len(await bench.rows("select from chassis.events where type = 'clients.client_changed.v1'")) == 2
    assert await bench.failing_checks() == {}


async def test_a_new_ico_on_a_card_must_be_free_and_is_linked(bench: Bench) -> None:
    async with bench.api() as api:
        first, second = await store(api, ico=ICO), await store(api, name="Druhá")
        url = f"/v1/clients/{second['id']}"
        taken = await api.patch(url, json={"ico": ICO})
        assert (taken.status_code, slug(taken)) == (409, "ico-taken")
        assert (await api.patch(url, json={"ico": "2"})).status_code == 422
        assert (await api.patch(url, json={"ico": OTHER_ICO, "dic": DIC})).json()["ico"] == OTHER_ICO
        listed = (await api.get("/v1/identities", params={"client_id": str(second["id"])})).json()["items"]
        assert sorted(item["value"] for item in listed) == [OTHER_ICO, DIC]
        assert first["version"] == 1
    assert await bench.failing_checks() == {}


async def test_status_and_star_are_set_by_hand(bench: Bench) -> None:
    async with bench.api() as api:
        url = f"/v1/clients/{(await store(api))['id']}"
        assert (await api.put(f"{url}/status", json={"status": "VIP"})).json()["status"] == "VIP"
        assert (await api.put(f"{url}/status", json={"status": "VIP"})).json()["version"] == 2
        unknown = await api.put(f"{url}/status", json={"status": "Neznámý"})
        assert (unknown.status_code, slug(unknown)) == (422, "status-unknown")
        starred = await api.put(f"{url}/star", json={"starred": True}, headers={"If-Match": '"2"'})
        assert (starred.json()["starred"], starred.json()["version"]) == (True, 3)
        assert (await api.put(f"{url}/star", json={"starred": False}, headers={"If-Match": '"2"'})).status_code == 412
        assert (await api.put(f"/v1/clients/{uuid4()}/star", json={"starred": True})).status_code == 404
    assert await bench.failing_checks() == {}


async def test_clients_are_found_by_part_of_number_or_name_without_diacritics(bench: Bench) -> None:
    async with bench.api() as api:
        await store(api, name="Řezníček & syn, 100%", ico=ICO, dic=DIC)
        await store(api, name="Žluťoučký kůň a.s.", ico=OTHER_ICO)
        wanted = {
            "reznicek": [1], "ŘEZN": [1], "kun": [2], "255": [1], "255 96": [1], "cz255": [1], "631": [2], "s": [1, 2],
            "100%": [1], "%": [1], "_": [], "\\": [], "nikdo": [], "": [1, 2], "  kůň ": [2],
        }  # fmt: skip
        for query, numbers in wanted.items():
            page = (await api.get("/v1/clients", params={"query": query, "count": True})).json()
            assert ([item["number"] for item in page["items"]], page["count"]) == (numbers, len(numbers)), query
        assert [c["number"] for c in (await api.get("/v1/clients?ico=255%2096641")).json()["items"]] == [1]
        assert (await api.get("/v1/clients?ico=99999999")).json()["items"] == []


async def test_clients_are_filtered_and_paged_with_an_exact_count(bench: Bench) -> None:
    async with bench.api() as api:
        for number in range(1, 6):
            await store(api, name=f"F{number}", starred=number % 2 == 0, status="VIP" if number < 4 else "Aktivní")
        seen, cursor, pages = [], None, 0
        while pages == 0 or cursor:
            params = {"limit": 2, "count": True, **({"cursor": cursor} if cursor else {})}
            page = (await api.get("/v1/clients", params=params)).json()
            seen += [item["number"] for item in page["items"]]
            assert page["count"] == 5
            cursor, pages = page["next"], pages + 1
        assert (seen, pages) == ([1, 2, 3, 4, 5], 3)
        starred = (await api.get("/v1/clients?starred=true")).json()["items"]
        assert [item["number"] for item in starred] == [2, 4]
        vip = (await api.get("/v1/clients", params={"status": "VIP", "starred": False})).json()["items"]
        assert [item["number"] for item in vip] == [1, 3]
        for bad in ("x", "WyJhIl0=", "Wy0xXQ==", "WzEsMl0="):
            assert (await api.get("/v1/clients", params={"cursor": bad})).status_code == 422
        assert (await api.get("/v1/clients?limit=501")).status_code == 422
        assert (await api.get("/v1/clients", params={"query": "a\0"})).status_code == 422


async def test_the_list_shows_counts_and_revenue(bench: Bench) -> None:
    async with bench.api() as api:
        made = await store(api)
        client = (await bench.rows("select id from clients"))[0][0]
        await bench.hear(assigned(1, client), paid(2, client, 1))
        (item,) = (await api.get("/v1/clients")).json()["items"]
    assert (item["orders"], item["paid_orders"]) == (2, 1)
    assert item["revenue"] == [{"amount": "1000.00", "currency": "CZK"}]
    assert made["orders"] == 0


async def test_the_same_idempotency_key_stores_one_client(bench: Bench) -> None:
    async with bench.api() as api:
        headers = {"Idempotency-Key": "once"}
        first = await api.post("/v1/clients", json={"name": "X"}, headers=headers)
        again = await api.post("/v1/clients", json={"name": "X"}, headers=headers)
        assert (again.status_code, again.json()) == (201, first.json())
        other = await api.post("/v1/clients", json={"name": "Y"}, headers=headers)
        assert (other.status_code, slug(other)) == (409, "idempotency-key-reused")
    assert len(await bench.rows("select from clients")) == 1


async def test_a_refused_client_takes_no_number(bench: Bench) -> None:
    first, second = icos(2)
    async with bench.api() as api:
        await store(api, ico=first)
        await api.post("/v1/clients", json={"name": "X", "ico": first})
        await api.post("/v1/clients", json={"name": "X", "status": "Neznámý"})
        assert (await store(api, ico=second))["label"] == "Klient: 2"
    assert await bench.failing_checks() == {}


async def test_events_carry_the_star_and_the_fields_that_changed(bench: Bench) -> None:
    async with bench.api() as api:
        url = f"/v1/clients/{(await store(api))['id']}"
        await api.put(f"{url}/star", json={"starred": True})
        await api.patch(url, json={"notes": "n", "addresses": [{"kind": "billing", "city": "Brno"}]})
    bodies = {record.type: record.body for record in await bench.records()}
    assert ClientStarred.model_validate_json(bodies[ClientStarred.event_type]).client.starred
    changed = ClientChanged.model_validate_json(bodies[ClientChanged.event_type])
    assert (changed.changed, changed.client.billing.city) == (("billing", "notes"), "Brno")
