"""The API: what scripts and people rely on."""

from typing import Any
from uuid import UUID

import pytest

from chassis.testing import Bench
from schemas.ids import derive
from schemas.loyalty import ProgrammeChanged
from services.loyalty.tests.factories import ALICE, an_order, changed, paid

START = {"rates": {"CZK": "10"}, "tiers": {"silver": 3000, "gold": 10000}}


async def _records(bench: Bench, kind: str) -> list[Any]:
    return [record for record in await bench.records() if record.type == kind]


async def test_a_new_suite_has_the_programme_of_the_contract(bench: Bench) -> None:
    async with bench.api("viewer") as api:
        answer = (await api.get("/v1/programme")).json()
    assert answer == {**START, "valid_from": "1970-01-01T00:00:00Z", "version": 1}
    assert len(await _records(bench, ProgrammeChanged.event_type)) == 1


async def test_a_manager_changes_the_programme_once(bench: Bench) -> None:
    body = {**START, "rates": {"CZK": "5", "EUR": "0.4"}}
    async with bench.api("manager") as api:
        first = await api.put("/v1/programme", json=body)
        again = await api.put("/v1/programme", json=body)
        assert (first.status_code, first.json()["version"], again.json()) == (200, 2, first.json())
        assert (await api.get("/v1/programme")).json() == first.json()
        versions = "/v1/programme/versions"
        head = (await api.get(versions, params={"limit": 1, "count": True})).json()
        rest = (await api.get(versions, params={"cursor": head["next"]})).json()
        assert [version["version"] for version in head["items"] + rest["items"]] == [1, 2]
        assert (head["count"], rest["next"], "count" in rest) == (2, None, False)
    assert len(await _records(bench, ProgrammeChanged.event_type)) == 2


async def test_what_was_put_can_be_put_back_as_it_was_read(bench: Bench) -> None:
    async with bench.api("manager") as api:
        await api.put("/v1/programme", json={**START, "rates": {"CZK": "5"}})
        back = await api.put("/v1/programme", json=START)
    assert (back.json()["version"], back.json()["rates"]) == (3, {"CZK": "10"})


@pytest.mark.parametrize("role", ["viewer", "operator"])
async def test_only_a_manager_changes_the_programme(bench: Bench, role: str) -> None:
    async with bench.api(role) as api:
        assert (await api.put("/v1/programme", json=START)).status_code == 403


async def test_nobody_reads_without_a_key(bench: Bench) -> None:
    async with bench.api("") as api:
        assert (await api.get("/v1/accounts")).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {}, {**START, "extra": 1}, {**START, "rates": {"czk": "10"}}, {**START, "rates": {"CZK": "0"}},
        {**START, "rates": {"CZK": "-1"}}, {**START, "rates": {"CZK": "NaN"}}, {**START, "rates": {"CZK": "0.0000001"}},
        {**START, "tiers": {"silver": 1}}, {**START, "tiers": {"silver": 10, "gold": 10}},
        {**START, "tiers": {"silver": 1, "gold": 2, "platinum": 3}}, {**START, "tiers": {"silver": True, "gold": 2}},
        {**START, "valid_from": "2026-10-01T00:00:00"}, {**START, "valid_from": "soon"}, [], "programme", None,
    ],
)  # fmt: skip
async def test_a_programme_that_cannot_be_is_refused_with_a_reason(bench: Bench, body: object) -> None:
    async with bench.api("manager") as api:
        refused = await api.put("/v1/programme", json=body)
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"].rsplit("/", 1)[1] in {"invalid-request", "tiers-out-of-order"}


@pytest.mark.parametrize(
    ("if_match", "status"), [('"1"', 200), ("1", 200), ('W/"1"', 200), ("*", 200), ("2", 412), ("x", 412)]
)
async def test_if_match_names_the_version_that_was_read(bench: Bench, if_match: str, status: int) -> None:
    async with bench.api("manager") as api:
        answer = await api.put("/v1/programme", json={**START, "rates": {}}, headers={"If-Match": if_match})
    assert answer.status_code == status


async def test_an_account_shows_points_and_tier(bench: Bench) -> None:
    await bench.hear(paid("35000"))
    async with bench.api("viewer") as api:
        answer = (await api.get(f"/v1/accounts/{ALICE}")).json()
    assert answer == {"client_id": str(ALICE), "points": 3500, "pending": 0, "tier": "silver", "version": 2}


async def test_a_client_without_orders_has_no_points(bench: Bench) -> None:
    async with bench.api("viewer") as api:
        answer = (await api.get(f"/v1/accounts/{ALICE}")).json()
        assert (answer["points"], answer["tier"], answer["version"]) == (0, "bronze", 0)
        assert (await api.get(f"/v1/accounts/{ALICE}/entries")).json()["items"] == []
        assert (await api.get("/v1/accounts/45")).status_code == 404


async def test_accounts_are_paged_without_gap_or_double(bench: Bench) -> None:
    clients = sorted(derive("client", n) for n in range(7))
    await bench.hear(*(paid(client=client, number=str(client)) for client in clients))
    seen: list[UUID] = []
    async with bench.api("viewer") as api:
        params: dict[str, Any] = {"limit": 3, "count": True}
        while True:
            page = (await api.get("/v1/accounts", params=params)).json()
            assert page["count"] == 7
            seen += [UUID(item["client_id"]) for item in page["items"]]
            if page["next"] is None:
                break
            params["cursor"] = page["next"]
    assert seen == clients


async def test_a_ledger_is_read_newest_first(bench: Bench) -> None:
    await bench.hear(paid("1000"))
    await bench.hear(changed(an_order("1000", refunded="500", version=2)))
    async with bench.api("viewer") as api:
        page = (await api.get(f"/v1/accounts/{ALICE}/entries", params={"limit": 1, "count": True})).json()
        rest = (await api.get(f"/v1/accounts/{ALICE}/entries", params={"cursor": page["next"]})).json()
    (last,), (first,) = page["items"], rest["items"]
    assert (last["points"], last["balance"], last["kind"], last["programme_version"]) == (-50, 50, "order", 1)
    assert (first["points"], first["order_id"], first["at"]) == (100, str(an_order().id), "2026-10-02T11:30:00Z")
    assert first["cause"]["place"].startswith("orders/")
    assert (page["count"], rest["next"]) == (2, None)


@pytest.mark.parametrize("cursor", ["x", "WzFd", "bnVsbA==", "WyIwIl0=", "WyI5OTk5OTk5OTk5OTk5OTk5OTk5OTkiXQ=="])
async def test_a_cursor_that_is_not_ours_is_refused(bench: Bench, cursor: str) -> None:
    async with bench.api("viewer") as api:
        entries = await api.get(f"/v1/accounts/{ALICE}/entries", params={"cursor": cursor})
        accounts = await api.get("/v1/accounts", params={"cursor": cursor})
    assert accounts.status_code == 422
    assert entries.status_code in {200, 422}
