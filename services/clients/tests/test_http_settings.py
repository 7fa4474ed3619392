"""The API beside the cards: setting, statuses, identities, tasks, keys."""

import base64
import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from chassis.testing import Bench
from chassis.web.keys import KeyReader, new_signing_key, public_keys, sign_key
from schemas.clients import ClientCreated, IdentityLinked, KeyRevoked, TaskCreated
from services.clients.tests.factories import ICO, buyer, only, placed
from services.clients.tests.test_http import slug, store
from services.clients.tests.test_making import everything


async def test_the_setting_is_off_at_the_start_and_its_status_must_be_on_the_list(bench: Bench) -> None:
    url = "/v1/settings/b2b-clients"
    label = "Ano, vytvářet klienty pro B2B objednávky"
    async with bench.api() as api:
        assert (await api.get(url)).json() == {"create": False, "default_status": "Nový partner", "label": label}
        wrong = await api.put(url, json={"create": True, "default_status": "Neznámý"})
        assert (wrong.status_code, slug(wrong)) == (422, "status-unknown")
        assert (await api.put(url, json={"create": True})).status_code == 422
        assert (await api.put(url, json={"create": True, "default_status": "VIP"})).json()["create"] is True
        assert (await api.get(url)).json() == {"create": True, "default_status": "VIP", "label": label}
    (created,) = only(ClientCreated, await bench.hear(placed()))
    assert created.client.status == "VIP"


async def test_statuses_are_a_list_that_can_be_edited(bench: Bench) -> None:
    async with bench.api() as api:
        names = [item["name"] for item in (await api.get("/v1/statuses")).json()["items"]]
        assert names == [
            "Nový partner", "Stálý odběratel", "Klient se slevou", "Zájemce", "Aktivní", "VIP", "Vlastní podmínky",
        ]  # fmt: skip
        new = {"name": "Spící", "group": "Obecné", "colour": "#111111", "order": 15}
        assert (await api.post("/v1/statuses", json=new)).status_code == 201
        assert slug(await api.post("/v1/statuses", json=new)) == "status-taken"
        edited = await api.put("/v1/statuses/Spící", json={"group": "Jiné", "colour": "", "order": 99})
        assert edited.json() == {"name": "Spící", "group": "Jiné", "colour": "", "order": 99}
        assert (await api.put("/v1/statuses/Nic", json={"order": 1})).status_code == 422
        first = (await api.get("/v1/statuses?limit=7&count=true")).json()
        last = (await api.get("/v1/statuses", params={"cursor": first["next"]})).json()["items"]
        assert (first["count"], [item["name"] for item in last]) == (8, ["Spící"])
        assert (await store(api, status="Spící"))["status"] == "Spící"


async def test_an_identity_is_linked_and_unlinked_by_hand(bench: Bench) -> None:
    await bench.hear(placed())
    url = f"/v1/identities/{buyer().id}"
    async with bench.api() as api:
        made = await store(api)
        assert (await api.get(url)).json()["client_id"] is None
        body = {"client_id": made["id"]}
        linked = (await api.put(f"{url}/client", json=body)).json()
        assert (linked["kind"], linked["client_id"], linked["version"]) == ("ico", made["id"], 1)
        assert (await api.put(f"{url}/client", json=body)).json()["version"] == 1
        unlinked = (await api.delete(f"{url}/client")).json()
        assert (unlinked["client_id"], unlinked["unlinked_by_hand"], unlinked["version"]) == (None, True, 2)
        assert (await api.delete(f"{url}/client")).json() == unlinked
        assert (await api.put(f"{url}/client", json=body)).json()["unlinked_by_hand"] is False
        assert slug(await api.put(f"{url}/client", json={"client_id": str(uuid4())})) == "client-unknown"
        assert slug(await api.get(f"/v1/identities/{uuid4()}")) == "identity-unknown"
        assert slug(await api.delete(f"/v1/identities/{uuid4()}/client")) == "identity-unknown"
        found = (await api.get("/v1/identities", params={"value": ICO, "count": True})).json()
        assert (found["count"], found["items"][0]["id"]) == (1, str(buyer().id))
    published = [record for record in await bench.records() if record.type == IdentityLinked.event_type]
    assert [(record.subject, record.version) for record in published] == [(buyer().id, n) for n in (1, 2, 3)]
    assert await bench.failing_checks() == {}


async def test_a_task_is_put_on_the_list_and_done(bench: Bench) -> None:
    async with bench.api() as api:
        client = await store(api, name="Kotelna")
        body = {"client_id": client["id"], "title": "Zavolat: {client}", "due": "2026-12-01T09:00:00+01:00"}
        made = (await api.post("/v1/tasks", json=body)).json()
        assert (made["title"], made["due"], made["cause"]) == ("Zavolat: Kotelna", "2026-12-01T08:00:00Z", None)
        sooner = (await api.post("/v1/tasks", json={**body, "due": "2026-11-01T09:00:00Z"})).json()
        page = (await api.get(f"/v1/tasks?client_id={client['id']}&limit=1&count=true")).json()
        assert (page["items"], page["count"]) == ([sooner], 2)
        rest = (await api.get("/v1/tasks", params={"cursor": page["next"]})).json()["items"]
        assert rest == [made]
        done = (await api.post(f"/v1/tasks/{made['id']}/done", headers={"If-Match": '"1"'})).json()
        assert (done["state"], done["version"]) == ("done", 2)
        assert (await api.post(f"/v1/tasks/{made['id']}/done")).json() == done
        assert (await api.post(f"/v1/tasks/{made['id']}/done", headers={"If-Match": "1"})).status_code == 412
        assert (await api.get("/v1/tasks?state=open")).json()["items"] == [sooner]
        assert slug(await api.post(f"/v1/tasks/{uuid4()}/done")) == "task-unknown"
        assert slug(await api.post("/v1/tasks", json={**body, "client_id": str(uuid4())})) == "client-unknown"
        assert (await api.post("/v1/tasks", json={**body, "due": "2026-12-01T09:00:00"})).status_code == 422
    assert TaskCreated.event_type in {record.type for record in await bench.records()}
    assert await bench.failing_checks() == {}


async def test_keys_are_made_shown_once_used_and_revoked(bench: Bench) -> None:
    async with bench.api("admin") as api:
        tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        made = (await api.post("/v1/keys", json={"name": "Eva", "role": "viewer", "expires_at": tomorrow})).json()
        headers = {"Authorization": f"Bearer {made['key']}"}
        signer = json.loads(base64.urlsafe_b64decode(made["key"].split(".")[0] + "=="))["kid"]
        assert made["signed_by"] == signer == (await api.get("/v1/keys")).json()["items"][0]["signed_by"]
        assert (await api.get("/v1/clients", headers=headers)).status_code == 200
        assert (await api.post("/v1/clients", json={"name": "X"}, headers=headers)).status_code == 403
        (listed,) = (await api.get("/v1/keys?count=true")).json()["items"]
        assert "key" not in listed
        assert (listed["name"], listed["role"], listed["revoked_at"]) == ("Eva", "viewer", None)
        revoked = (await api.delete(f"/v1/keys/{made['id']}")).json()
        assert (await api.delete(f"/v1/keys/{made['id']}")).json() == revoked
        assert (await api.get("/v1/clients", headers=headers)).status_code == 401
        assert (await api.get("/v1/keys")).json()["items"][0]["revoked_at"] == revoked["revoked_at"]
        for wrong in (
            {"role": "channel"}, {"role": "root"}, {"expires_at": "2020-01-01T00:00:00Z"}, {"name": "a\nb\x1b[31m"},
        ):  # fmt: skip
            assert (await api.post("/v1/keys", json={"name": "X", "role": "viewer", **wrong})).status_code == 422
    assert [record.type for record in await bench.records()] == [KeyRevoked.event_type]
    assert made["key"] not in str(await everything(bench))


async def test_only_an_admin_handles_keys_and_nobody_writes_without_one(bench: Bench) -> None:
    async with bench.api("manager") as api:
        assert (await api.post("/v1/keys", json={"name": "X", "role": "viewer"})).status_code == 403
        assert (await api.get("/v1/keys")).status_code == 403
        assert (await api.delete(f"/v1/keys/{uuid4()}")).status_code == 403
    async with bench.api("") as api:
        assert (await api.get("/v1/clients")).status_code == 401
    async with bench.api("viewer") as api:
        assert (await api.post("/v1/clients", json={"name": "X"})).status_code == 403
        assert (
            await api.put("/v1/settings/b2b-clients", json={"create": True, "default_status": "VIP"})
        ).status_code == 403


async def test_a_repeated_request_for_a_key_makes_no_second_one_and_shows_no_secret(bench: Bench) -> None:
    async with bench.api("admin") as api:
        wanted = {"name": "Sklad", "role": "viewer"}
        made = await api.post("/v1/keys", json=wanted, headers={"Idempotency-Key": "k-1"})
        again = await api.post("/v1/keys", json=wanted, headers={"Idempotency-Key": "k-1"})
        assert (made.status_code, again.status_code) == (201, 409)
        assert again.json()["type"].endswith("/shown-once")
        assert len((await api.get("/v1/keys")).json()["items"]) == 1
    kept = await bench.rows("select body from chassis.idempotency")
    assert [bytes(row["body"]) for row in kept] == [b""]


async def test_a_key_that_another_than_the_present_signer_signed_makes_no_key(bench: Bench) -> None:
    """Else who has an old signing key would have the present one sign, and nothing would end that."""
    older = new_signing_key()
    async with bench.api("admin") as api:
        state = api._transport.app.state  # type: ignore[attr-defined]
        state.keys = KeyReader(public_keys(state.settings.signing_key.read_text(), older))
        headers = {"Authorization": f"Bearer {sign_key(older, role='admin', name='Eve')}"}
        wanted = {"name": "Sklad", "role": "admin"}
        assert (await api.get("/v1/keys", headers=headers)).status_code == 200
        refused = await api.post("/v1/keys", json=wanted, headers=headers)
        assert (refused.status_code, slug(refused)) == (403, "key-signed-before")
        assert "`klientela keys rotate`" in refused.json()["detail"]
        assert (await api.post("/v1/keys", json=wanted)).status_code == 201
        assert [key["created_by"] for key in (await api.get("/v1/keys")).json()["items"]] == ["admin:test admin"]


async def test_a_key_does_not_revoke_itself(bench: Bench) -> None:
    async with bench.api("admin") as api:
        mine = api.headers["authorization"].removeprefix("Bearer ").split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(mine + "=" * (-len(mine) % 4)))
        refused = await api.delete(f"/v1/keys/{claims['jti']}")
        assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[1]) == (409, "own-key")
    assert await bench.rows("select 1 from chassis.revoked_keys") == []
