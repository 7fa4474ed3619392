"""The suite on a PostgreSQL and a Kafka that are somebody else's: used, proved, and otherwise left alone."""

import asyncio
import json
import secrets
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import httpx
import pytest

from chassis.database import Connection, run_formatted
from chassis.testing import server_dsn
from klientela.layout import DataDirectory
from klientela.own_servers import check_own_servers
from klientela.services import SERVICES
from tests.local.conftest import Suite, stopped_at_the_end
from tests.ports import free_base
from tests.rig import kafka_bootstrap
from tests.shop import ShopOrder, signature

ICO = "25596641"
WORD = secrets.token_urlsafe(12)


def on_the_server(work: Callable[[Connection], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        connection = await asyncpg.connect(server_dsn())
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(run())


def address(name: str, database: str) -> str:
    place = urlsplit(server_dsn())
    return f"postgresql://{name}:{WORD}@{place.hostname}:{place.port}/{database}"


@pytest.fixture(scope="module")
def own_servers() -> Iterator[dict[str, str]]:
    """Databases made for the suite by their administrator, a topic prefix: all that `up` is told."""
    names = {service: f"own{uuid4().hex[:8]}_{service.database}" for service in SERVICES}
    role = f"own{uuid4().hex[:8]}"

    async def make(server: Connection) -> None:
        await run_formatted(server, "create role %I login password %L", role, WORD)
        for name in names.values():
            await run_formatted(server, "create database %I owner %I", name, role)

    async def drop(server: Connection) -> None:
        for name in names.values():
            await run_formatted(server, "drop database if exists %I with (force)", name)
        await run_formatted(server, "drop role %I", role)

    on_the_server(make)
    told = {service.database_variable: address(role, name) for service, name in names.items()}
    yield told | {"KLIENTELA_KAFKA": kafka_bootstrap(), "KLIENTELA_TOPIC_PREFIX": f"own{uuid4().hex[:8]}."}
    on_the_server(drop)


@pytest.fixture(scope="module")
def suite(own_servers: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    """The real services on them."""
    one = Suite(DataDirectory.at(tmp_path_factory.mktemp("own") / "data"), free_base())
    one.environment |= own_servers
    with stopped_at_the_end(one):
        yield one


def api(announcement: dict[str, Any], service: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {announcement['key']}"}
    return httpx.Client(base_url=announcement["services"][service], headers=headers, trust_env=False, timeout=10)


def send_an_order(announcement: dict[str, Any]) -> None:
    body = ShopOrder(number=1, total="1234.50", ico=ICO).body()  # type: ignore[arg-type]
    with api(announcement, "clients") as clients, api(announcement, "orders") as orders:
        settings = {"create": True, "default_status": "Nový partner"}
        assert clients.put("/v1/settings/b2b-clients", json=settings).is_success
        wanted = {"kind": "woocommerce", "name": "E-shop", "secret": "a secret of the shop and us"}
        webhook = httpx.URL(orders.post("/v1/channels", json=wanted).json()["webhook_url"]).path
        signed = {"X-WC-Webhook-Topic": "order.created", "X-WC-Webhook-Signature": signature(body)}
        assert orders.post(webhook, content=body, headers=signed | {"Content-Type": "application/json"}).is_success


def test_an_order_goes_its_way_on_servers_of_ones_own(suite: Suite) -> None:
    announcement = suite.up()
    assert (announcement["kafka"], announcement["postgres"]) == (kafka_bootstrap(), None)
    send_an_order(announcement)
    del suite.environment["KLIENTELA_CLIENTS_DATABASE"]  # later commands know from the suite where its databases are

    proved = suite.run("verify", "--json")
    assert (proved.returncode, json.loads(proved.stdout)["ok"]) == (0, True), proved.stdout + proved.stderr
    with api(announcement, "clients") as clients, api(announcement, "loyalty") as loyalty:
        (client,) = clients.get("/v1/clients", params={"ico": ICO}).json()["items"]
        assert loyalty.get(f"/v1/accounts/{client['id']}").json()["points"] == 123

    state = json.loads(suite.run("status", "--json").stdout)
    assert set(state["processes"]) == {"supervisor", *announcement["services"]}
    assert set(state["elsewhere"]) == {"kafka", *announcement["services"]}
    assert "On servers of your own: Kafka and the databases of clients," in suite.run("status").stdout
    assert not suite.layout.postgres.exists()
    assert not suite.layout.kafka.exists()


def test_a_backup_says_whose_it_is(suite: Suite, tmp_path: Path) -> None:
    suite.up()
    done = suite.run("backup", str(tmp_path / "file.tar"))
    assert (done.returncode, list(tmp_path.iterdir())) == (1, [])
    assert "in a PostgreSQL of your own (clients, orders, service-desk, loyalty, automation)" in done.stderr
    done = suite.run("restore", str(tmp_path / "file.tar"))
    assert done.returncode == 1
    assert "Restore them by that server's own means" in done.stderr
    assert "unset KLIENTELA_ORDERS_DATABASE, KLIENTELA_SERVICE_DESK_DATABASE" in done.stderr


def test_whose_key_was_revoked_by_another_admin_gets_a_new_one_with_the_next_up(suite: Suite) -> None:
    before = suite.up()
    other = suite.run("keys", "create", "--name", "other", "--role", "admin").stdout.strip()
    listed = json.loads(suite.run("keys", "list", "--json").stdout)["items"]
    assert [(key["name"], key["role"]) for key in listed] == [("first operator", "admin"), ("other", "admin")]
    with api(before | {"key": other}, "clients") as clients:
        assert clients.delete(f"/v1/keys/{listed[0]['id']}").is_success
    refused = suite.run("keys", "list")
    assert refused.returncode == 1
    assert "`klientela up` gives the first operator a new key" in refused.stderr

    after = suite.up()
    assert after == before | {"key": after["key"]} != before
    listed = json.loads(suite.run("keys", "list", "--json").stdout)["items"]
    assert [bool(key["revoked_at"]) for key in listed] == [True, False, False]


def test_a_killed_supervisor_and_down_leave_the_servers_to_their_owner(
    suite: Suite, own_servers: dict[str, str]
) -> None:
    suite.environment |= own_servers
    suite.up()
    supervisor = suite.process("supervisor")
    supervisor.kill()
    supervisor.wait(10)
    announcement = suite.up()
    with api(announcement, "clients") as clients:
        assert len(clients.get("/v1/clients", params={"ico": ICO}).json()["items"]) == 1
    done = suite.run("down")
    assert (done.returncode, suite.is_gone) == (0, True)
    assert on_the_server(lambda server: server.fetchval("select 1")) == 1
    bootstrap = kafka_bootstrap().rpartition(":")
    socket.create_connection((bootstrap[0], int(bootstrap[2])), timeout=5).close()


def test_where_the_data_is_outlives_the_shell_that_said_so(
    suite: Suite, own_servers: dict[str, str], tmp_path: Path
) -> None:
    suite.environment |= own_servers
    suite.up()
    suite.run("down")
    kept = kept_files(suite)
    suite.environment = {name: value for name, value in suite.environment.items() if not name.endswith("_DATABASE")}

    restored = suite.run("restore", str(tmp_path / "old.tar"))
    assert restored.returncode == 1
    assert "as the environment or the last start says, and a restore does not reach them" in restored.stderr
    started = suite.run("up", "--detach")
    assert (started.returncode, started.stdout) == (2, "")
    assert "(no longer set: KLIENTELA_CLIENTS_DATABASE, KLIENTELA_ORDERS_DATABASE, " in started.stderr
    assert "say so with --moved" in started.stderr
    assert kept_files(suite) == kept, "nothing was changed"
    suite.environment["KLIENTELA_KAFKA"] = "127.0.0.1:9"
    failed = suite.run("up", "--detach", "--moved", "--port-base", str(suite.base))
    assert (failed.returncode, "127.0.0.1:9) does not answer" in failed.stderr) == (1, True), failed.stderr
    assert kept_files(suite)["start.json"] == kept["start.json"], "a start that failed its checks is not remembered"


def kept_files(suite: Suite) -> dict[str, str]:
    """The suite's secrets and how it was started."""
    files = [suite.layout.run / "start.json", *suite.layout.secrets.iterdir()]
    return {file.name: file.read_text() for file in files} | {"ours": str(suite.layout.postgres.exists())}


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("KLIENTELA_ORDERS_DATABASE", "missing", "The database that KLIENTELA_ORDERS_DATABASE names does not exist"),
        ("KLIENTELA_ORDERS_DATABASE", "password", "PostgreSQL does not let in whom KLIENTELA_ORDERS_DATABASE names"),
        ("KLIENTELA_ORDERS_DATABASE", "nowhere", "KLIENTELA_ORDERS_DATABASE names cannot be reached"),
        ("KLIENTELA_ORDERS_DATABASE", "no address", "KLIENTELA_ORDERS_DATABASE names cannot be reached"),
        ("KLIENTELA_ORDERS_DATABASE", "shared", "name the same database; each service needs one of its own"),
        ("KLIENTELA_KAFKA", "127.0.0.1:9", "The Kafka that KLIENTELA_KAFKA names (127.0.0.1:9) does not answer"),
        ("KLIENTELA_KAFKA", "no address", "The Kafka that KLIENTELA_KAFKA names (no address) does not answer"),
    ],
)
def test_a_server_that_cannot_carry_the_suite_is_a_plain_sentence(
    own_servers: dict[str, str], tmp_path: Path, variable: str, value: str, sentence: str
) -> None:
    right = own_servers["KLIENTELA_ORDERS_DATABASE"]
    wrong = {
        "missing": right + "_not",
        "password": right.replace(WORD, "guess"),
        "nowhere": right.replace(right.rpartition("@")[2], "127.0.0.1:9/orders"),
        "shared": own_servers["KLIENTELA_CLIENTS_DATABASE"],
    }.get(value, value)
    suite = Suite(DataDirectory.at(tmp_path / "data"), free_base())
    suite.environment |= own_servers | {variable: wrong}
    done = suite.run("up", "--detach", "--port-base", str(suite.base))
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert sentence in done.stderr
    assert WORD not in done.stderr
    assert suite.is_gone


def test_servers_that_are_right_are_let_through(own_servers: dict[str, str]) -> None:
    check_own_servers(own_servers)
