"""No log says whom anything is about, nor a secret: not of what is told, and not of what goes wrong with it."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from schemas.catalogue import EVENTS
from tests.rig import Rig, running
from tests.shop import SECRET, Shop, ShopOrder, ico_of

pytestmark = pytest.mark.asyncio(loop_scope="package")

MARK = "Xanár"
"""What all that is personal here holds, and nothing else does."""
ADDRESS = {"street": f"{MARK}kova 77", "city": f"{MARK}ov", "postcode": "11150", "country": "CZ"}
ICO, PHONE = ico_of(7_654_321), "777000123"
BILLING = {
    "first_name": MARK, "last_name": f"{MARK}ková", "company": f"{MARK} s.r.o.", "address_1": ADDRESS["street"],
    "city": ADDRESS["city"], "postcode": ADDRESS["postcode"], "country": "CZ", "email": f"{MARK}@example.com",
    "phone": PHONE,
}  # fmt: skip
CARD = {
    "name": f"{MARK} a synové", "email": f"{MARK}@example.com", "phone": PHONE, "notes": f"{MARK} volá v noci",
    "addresses": [{"kind": "billing", **ADDRESS}, {"kind": "delivery", **ADDRESS}],
}  # fmt: skip


@pytest_asyncio.fixture(loop_scope="package")
async def suite(tmp_path: Path) -> AsyncIterator[Rig]:
    """A suite of its own: what is broken here is for no other test."""
    async with running(tmp_path) as rig:
        yield rig


async def test_no_log_says_whom_it_is_about(suite: Rig) -> None:
    async with suite.api("clients") as clients, suite.api("orders") as orders:
        made = (await clients.post("/v1/clients", json=CARD)).raise_for_status().json()
        task = {"client_id": made["id"], "title": f"Zavolat {MARK}kové", "due": "2026-12-01T08:00:00Z"}
        (await clients.post("/v1/tasks", json=task)).raise_for_status()
        erp = (await orders.post("/v1/channels", json={"kind": "kafka", "name": "ERP"})).raise_for_status().json()
        key = (await clients.post("/v1/keys", json={"name": MARK, "role": "viewer"})).raise_for_status().json()["key"]
        shop = await Shop.open(orders)
        said = {"billing": BILLING, "shipping": BILLING}
        await shop.send(ShopOrder(700, Decimal(10), ICO, extra=said))
        await shop.send(ShopOrder(701, Decimal(10), ICO, extra={**said, "total": MARK}))
        await shop.post(ShopOrder(702, Decimal(10), extra=said).body(), **{"X-WC-Webhook-Signature": "Xanarkova"})
        for wrong in ({**CARD, "dic": MARK}, {**CARD, "name": 7}, {**CARD, "name": f"{MARK}\0"}, {**CARD, MARK: MARK}):
            assert (await clients.post("/v1/clients", json=wrong)).status_code == 422
        assert (await clients.get("/v1/clients", params={"query": f"{MARK}\0"})).status_code == 422
        assert (await orders.get(f"/v1/products/{MARK}%00")).status_code in {404, 422}
        assert (await orders.get(f"/v1/{MARK}", params={"key": key})).status_code == 404
    await strangers(suite, erp["token"])
    await refused_by_postgres(suite)
    await suite.settle()
    assert await fields_with_marks(suite) == {field for event in EVENTS.values() for field in event.personal}
    secrets = {
        MARK, MARK.encode("unicode_escape").decode(), ICO, PHONE, SECRET, key,
        json.loads(suite.private)["d"], erp["token"], (suite.folder / "service").read_text(),
        str(urlsplit(suite.server).password),
    }  # fmt: skip
    logs = {path.name: path.read_text(errors="replace") for path in (*suite.folder.glob("*.log"), *logs_of_servers())}
    assert logs.keys() >= {f"{name}.log" for name in (*suite.names, "postgres", "kafka")}
    assert 'violates unique constraint "seen_pkey"' in logs["postgres.log"], "what PostgreSQL refuses was to be told"
    assert all("dead letter" in logs[f"{name}.log"] for name in ("orders", "clients")), "what went wrong was to be told"
    for name, text in logs.items():
        assert not [line for line in text.splitlines() if any(secret in line for secret in secrets)], name


def logs_of_servers() -> list[Path]:
    """Return the logs of the PostgreSQL and the Kafka of this test run."""
    place = Path(os.environ["KLIENTELA_TEST_POSTGRES_SOCKET"]).parents[1]
    return [place / name / f"{name}.log" for name in ("postgres", "kafka")]


async def refused_by_postgres(suite: Rig) -> None:
    """Have PostgreSQL refuse rows with people in them, which it would show in the details of an error."""
    await suite.rows("clients", "create table seen (name text primary key, age int check (age > 0))")
    for age in (7, 7, -7):
        with suppress(asyncpg.IntegrityConstraintViolationError):
            await suite.rows("clients", "insert into seen values ($1, $2)", MARK, age)
    await suite.rows("clients", "drop table seen")


async def strangers(suite: Rig, token: str) -> None:
    """Write what nobody can read to topics, with people and secrets in it."""
    said = {"external_id": "703", "billing": BILLING, "total": MARK, "token": token}
    body = json.dumps(said).encode()
    async with AIOKafkaProducer(bootstrap_servers=suite.bootstrap) as producer:
        for topic in ("intake.orders", "orders", "clients"):
            for each in (body, body[:-5]):
                await producer.send_and_wait(suite.prefix + topic, each, headers=[("ce_subject", MARK.encode())])


async def fields_with_marks(suite: Rig) -> set[str]:
    """Return which personal fields of events hold what is to be in no log."""
    found: set[str] = set()
    for service in ("clients", "orders"):
        rows = await suite.rows(service, "select type, convert_from(body, 'UTF8') as body from chassis.events")
        for kind, body in rows:
            said = json.loads(body)
            found |= {
                field for field in EVENTS[kind].personal if any(each in str(_at(said, field)) for each in (MARK, PHONE))
            }
    return found


def _at(body: Any, field: str) -> Any:
    for part in field.split("."):
        body = body.get(part) if isinstance(body, dict) else None
    return body
