"""The API: what scripts and people rely on."""

from typing import Any

import httpx
import pytest
from factories import ALICE, BOB, FIRST, an_item, an_order, kinds, paid

from chassis.testing import Bench

NOBODY = "00000000-0000-0000-0000-000000000009"
BY_HAND = {
    "client_id": str(ALICE), "sku": "TC-9", "terms": {"model": "TČ 9 kW", "warranty_months": 24, "service_months": 12},
    "sold_at": "2026-01-31T10:30:00+01:00",
}  # fmt: skip


def _slug(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["type"]).rsplit("/", 1)[1]


async def _open(api: httpx.AsyncClient) -> dict[str, Any]:
    answer = await api.post("/v1/service-orders", json={"device_id": str(FIRST), "title": "Revize"})
    assert answer.status_code == 201
    opened: dict[str, Any] = answer.json()
    return opened


async def test_a_device_shows_its_warranty_and_its_care(bench: Bench) -> None:
    await bench.hear(paid())
    async with bench.api("viewer") as api:
        (listed,) = (await api.get("/v1/devices", params={"client_id": str(ALICE)})).json()["items"]
        card = (await api.get(f"/v1/devices/{FIRST}")).json()
    assert (listed["id"], listed["client_id"], listed["service_package"]) == (str(FIRST), str(ALICE), "SERVIS-ROK")
    assert card["warranty"] == {"until": "2028-01-31T09:30:00Z", "covered": True}
    assert card["maintenance"] == {"last_service_at": None, "due_at": None, "notice_at": None}
    assert card["service_orders"] == []


async def test_a_device_is_entered_by_hand(bench: Bench) -> None:
    async with bench.api() as api:
        made = await api.post("/v1/devices", json=BY_HAND)
        assert made.status_code == 201
        assert (made.json()["warranty_until"], made.json()["version"]) == ("2028-01-31T09:30:00Z", 1)
        card = (await api.get(f"/v1/devices/{made.json()['id']}")).json()
    assert card["order_id"] is None
    assert await bench.failing_checks() == {}


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        ({"sold_at": "2999-01-01T00:00:00Z"}, "sold-in-future"),
        ({"sold_at": "2026-01-01T00:00:00"}, "invalid-request"),
        ({"client_id": "45"}, "invalid-request"),
        ({"colour": "red"}, "invalid-request"),
        ({"terms": {"model": "a", "waranty_months": 3}}, "invalid-request"),
        ({"terms": {"model": "\x00"}}, "invalid-request"),
        ({"terms": {"model": "a", "service_months": 0}}, "invalid-request"),
        ({"sku": "x" * 2001}, "invalid-request"),
    ],
)
async def test_a_device_that_cannot_be_is_refused(bench: Bench, change: dict[str, object], slug: str) -> None:
    async with bench.api() as api:
        refused = await api.post("/v1/devices", json={**BY_HAND, **change})
    assert (refused.status_code, _slug(refused)) == (422, slug)


async def test_work_is_agreed_and_completed_in_the_past(bench: Bench) -> None:
    await bench.hear(paid())
    async with bench.api() as api:
        opened = await _open(api)
        done = await api.post(
            f"/v1/service-orders/{opened['id']}/complete", json={"completed_at": "2026-03-31T08:00:00Z"}
        )
        assert (done.status_code, done.json()["state"], done.json()["version"]) == (200, "completed", 2)
        card = (await api.get(f"/v1/devices/{FIRST}")).json()
        (listed,) = (await api.get("/v1/service-orders", params={"device_id": str(FIRST)})).json()["items"]
        assert (await api.get(f"/v1/service-orders/{opened['id']}")).json() == listed == done.json()
    assert card["service_orders"] == [done.json()]
    assert card["maintenance"] == {
        "last_service_at": "2026-03-31T08:00:00Z",
        "due_at": "2027-03-31T08:00:00Z",
        "notice_at": "2027-02-28T09:00:00Z",
    }
    assert await bench.failing_checks() == {}


async def test_completing_twice_answers_the_same_and_publishes_once(bench: Bench) -> None:
    await bench.hear(paid())
    async with bench.api() as api:
        path = f"/v1/service-orders/{(await _open(api))['id']}/complete"
        body = {"completed_at": "2026-03-31T08:00:00Z"}
        first, again = await api.post(path, json=body), await api.post(path, json=body)
        other = await api.post(path, json={"completed_at": "2026-03-30T08:00:00Z"})
    assert first.json() == again.json()
    assert (other.status_code, _slug(other)) == (409, "already-completed")
    types = [record.type for record in await bench.records()]
    assert types.count("service-desk.service_order_completed.v1") == 1


async def test_work_is_refused_with_a_reason(bench: Bench) -> None:
    await bench.hear(paid(an_order(refunded="1000")))
    async with bench.api() as api:
        body = {"device_id": str(FIRST), "title": "Revize"}
        closed = await api.post("/v1/service-orders", json=body)
        unknown = await api.post("/v1/service-orders", json={**body, "device_id": NOBODY})
        nothing = await api.post(f"/v1/service-orders/{NOBODY}/complete", json={"completed_at": "2026-01-01T00:00:00Z"})
        blank = await api.post("/v1/service-orders", json={**body, "title": "  "})
    assert (closed.status_code, _slug(closed)) == (409, "device-closed")
    assert (unknown.status_code, _slug(unknown)) == (404, "device-unknown")
    assert (nothing.status_code, _slug(nothing)) == (404, "service-order-unknown")
    assert (blank.status_code, _slug(blank)) == (422, "invalid-request")


async def test_work_cannot_be_completed_in_the_future_or_on_an_old_reading(bench: Bench) -> None:
    await bench.hear(paid())
    async with bench.api() as api:
        path = f"/v1/service-orders/{(await _open(api))['id']}/complete"
        future = await api.post(path, json={"completed_at": "2999-01-01T00:00:00Z"})
        stale = await api.post(path, json={"completed_at": "2026-01-01T00:00:00Z"}, headers={"If-Match": '"7"'})
        right = await api.post(path, json={"completed_at": "2026-01-01T00:00:00Z"}, headers={"If-Match": '"1"'})
    assert (future.status_code, _slug(future)) == (422, "completed-in-future")
    assert (stale.status_code, right.status_code) == (412, 200)


async def test_the_lead_is_one_month_until_a_manager_changes_it(bench: Bench) -> None:
    async with bench.api("manager") as api:
        assert (await api.get("/v1/settings/maintenance")).json() == {"lead_months": 1, "version": 1}
        changed = await api.put("/v1/settings/maintenance", json={"lead_months": 2})
        assert changed.json() == {"lead_months": 2, "version": 2}
        assert (await api.put("/v1/settings/maintenance", json={"lead_months": 2})).json()["version"] == 2
        for bad in (-1, 601, "2", 1.5, None, True):
            assert (await api.put("/v1/settings/maintenance", json={"lead_months": bad})).status_code == 422
    async with bench.api("operator") as api:
        assert (await api.put("/v1/settings/maintenance", json={"lead_months": 2})).status_code == 403


async def test_devices_are_paged_without_gap_or_double(bench: Bench) -> None:
    await bench.hear(paid(an_order(an_item("7"))), paid(an_order(number="B-1", client=BOB)))
    seen: list[str] = []
    async with bench.api("viewer") as api:
        params: dict[str, Any] = {"client_id": str(ALICE), "limit": 3, "count": True}
        while True:
            page = (await api.get("/v1/devices", params=params)).json()
            assert page["count"] == 7
            seen += [item["id"] for item in page["items"]]
            if page["next"] is None:
                break
            params["cursor"] = page["next"]
    assert len(seen) == len(set(seen)) == 7


@pytest.mark.parametrize("cursor", ["x", "WzFd", "WyJhIiwgImIiXQ==", "WyIyMDI2LTAxLTAxIiwgImIiXQ==", "WzEsMl0="])
async def test_a_cursor_that_is_not_ours_is_refused(bench: Bench, cursor: str) -> None:
    async with bench.api("viewer") as api:
        for path in ("/v1/devices", "/v1/service-orders"):
            assert (await api.get(path, params={"cursor": cursor})).status_code == 422


async def test_devices_of_nobody_are_not_listed(bench: Bench) -> None:
    published = await bench.hear(paid(an_order(client=None)))
    assert kinds(published) == []
    async with bench.api("viewer") as api:
        assert (await api.get("/v1/devices")).json()["items"] == []


async def test_nobody_reads_without_a_key_and_viewers_do_not_write(bench: Bench) -> None:
    async with bench.api("") as api:
        assert (await api.get("/v1/devices")).status_code == 401
    async with bench.api("viewer") as api:
        assert (await api.post("/v1/devices", json=BY_HAND)).status_code == 403
