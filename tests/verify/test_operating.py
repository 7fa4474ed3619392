"""explain, dead-letters and keys against the services' real APIs, which Kafka does not answer."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from typer.testing import CliRunner

from chassis.testing import drop_database
from klientela import cli, ledger
from klientela.errors import Refusal
from klientela.running import RunningSuite
from tests.verify.conftest import Told, name_of, unpublished
from tests.verify.served import served
from tests.verify.story import Story
from tests.verify.suite_in_process import SuiteInProcess


class Operator:
    """Somebody at the terminal."""

    def __init__(self, suite: RunningSuite, story: Story) -> None:
        self.suite, self.story = suite, story

    def run(self, *arguments: object, expect: int = 0) -> str:
        done = CliRunner().invoke(cli.build(), [str(argument) for argument in arguments])
        if isinstance(done.exception, Refusal):
            raise done.exception
        assert done.exit_code == expect, done.output
        return done.stdout

    def ask(self, *arguments: object, expect: int = 0) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.run(*arguments, "--json", expect=expect).splitlines()[-1])
        return said


@pytest.fixture(scope="module")
def running(told: Told, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSuite]:
    databases = {name: asyncio.run(unpublished(dsn)) for name, dsn in told.databases.items()}
    suite = SuiteInProcess(databases, tmp_path_factory.mktemp("keys"))
    with served(suite) as addresses:
        yield RunningSuite(addresses, suite.key, databases)
    for dsn in databases.values():
        asyncio.run(drop_database(name_of(dsn)))


@pytest.fixture
def operator(running: RunningSuite, told: Told, monkeypatch: pytest.MonkeyPatch) -> Operator:
    monkeypatch.setattr(RunningSuite, "of", lambda _: running)
    return Operator(running, told.story)


def types(chain: list[dict[str, Any]]) -> list[str]:
    return [link["type"] for link in chain]


def test_a_status_is_explained_from_the_webhook_to_the_rule_and_its_version(operator: Operator) -> None:
    said = operator.ask("explain", "status", operator.story.client)
    assert said["subject"] == str(operator.story.client)
    assert types(said["chain"])[-3:] == [
        "orders.order_paid.v1",
        "automation.client_status_change_requested.v1",
        "clients.client_status_changed.v1",
    ]
    root, requested = said["chain"][0], said["chain"][-2]
    assert root["cause"]["kind"] == "intake"
    assert (requested["rule_version"], requested["rule_name"]) == (1, "Stálý odběratel po první zaplacené objednávce")
    assert UUID(requested["rule"]).version == 5
    fields = ["event_id", "type", "at", "source", "lane", "sequence", "rule", "rule_version"]
    assert all(list(link)[:8] == fields for link in said["chain"])
    assert [link["rule"] for link in said["chain"] if link["source"] != "automation"] == [None] * (
        len(said["chain"]) - 1
    )


def test_a_task_of_maintenance_is_explained_back_to_the_timer(operator: Operator) -> None:
    chain = operator.ask("explain", "task", operator.story.task)["chain"]
    assert types(chain)[-3:] == [
        "service-desk.maintenance_due.v1", "automation.task_requested.v1", "clients.task_created.v1",
    ]  # fmt: skip
    due = next(link for link in chain if link["type"] == "service-desk.maintenance_due.v1")
    assert due["cause"]["kind"] == "timer"


@pytest.mark.parametrize(
    ("kind", "whose", "last"),
    [
        ("points", "client", "loyalty.points_"),
        ("tier", "client", "loyalty.tier_reached.v1"),
        ("star", "client", "clients.client_starred.v1"),
        ("opportunity", "opportunity", "orders.opportunity_opened.v1"),
        ("order", "order", "orders.order_"),
        ("order", "4", "orders.order_assigned.v1"),
    ],
)
def test_everything_else_is_explained_too(operator: Operator, kind: str, whose: str, last: str) -> None:
    chain = operator.ask("explain", kind, getattr(operator.story, whose, whose))["chain"]
    assert chain[-1]["type"].startswith(last)
    assert "cause" in chain[0]


def test_points_are_explained_by_every_line_of_the_ledger_with_its_order_or_rule(operator: Operator) -> None:
    said = operator.ask("explain", "points", operator.story.client)
    lines = [link for link in said["chain"] if link["type"].startswith("loyalty.points_")]
    assert sum(line["points"] for line in lines) == said["balance"] == lines[-1]["balance"] != 0
    assert (said["earlier"], said["chain"][-1]) == (0, lines[-1])
    assert all(line["order_number"] or line["rule_name"] == "Dárek" for line in lines)
    assert {line["programme_version"] for line in lines if line["order_id"]} == {1}
    assert {(line["rule_version"], line["points"]) for line in lines if line["rule"]} == {(1, 50)}
    ids = [link["event_id"] for link in said["chain"]]
    assert len(set(ids)) == len(ids)
    assert all(link["caused_by"] in ids[:number] for number, link in enumerate(said["chain"]) if "cause" not in link)


def test_a_long_ledger_is_shown_from_its_end_unless_all_is_asked_for(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lines(*arguments: object) -> list[str]:
        chain = operator.ask("explain", "points", operator.story.client, *arguments)["chain"]
        return [link["event_id"] for link in chain if "points" in link]

    whole = lines()
    monkeypatch.setattr(ledger, "SHOWN", 2)
    assert lines() == whole[-2:]
    assert "earlier movements are not shown" in operator.run("explain", "points", operator.story.client)
    assert lines("--all") == whole
    monkeypatch.setattr("klientela.running.PAGE", 1)
    assert lines("--all") == whole, "more than one answer holds is asked for page by page"


def test_a_tier_is_explained_by_the_movements_until_it_was_reached(operator: Operator) -> None:
    last = operator.ask("explain", "tier", operator.story.client)["chain"][-1]
    assert (last["previous_tier"], last["tier"], last["programme_version"]) == ("bronze", "silver", 1)
    assert "bronze → silver" in operator.run("explain", "tier", operator.story.client)


def test_people_see_each_movement_in_a_line_of_eighty_columns(operator: Operator) -> None:
    said = operator.run("explain", "points", operator.story.client)
    assert "order 1 paid" in said or "order 1 linked" in said
    assert "rule “Dárek”" in said
    assert max(len(line) for line in said.splitlines()[1:]) <= 80


def test_the_tier_of_who_never_reached_one_is_explained_by_the_last_points(operator: Operator) -> None:
    assert types(operator.ask("explain", "tier", operator.story.other)["chain"])[-1].startswith("loyalty.points_")


def test_people_see_an_indented_chain_with_the_name_of_the_rule(operator: Operator) -> None:
    said = operator.run("explain", "task", operator.story.task)
    assert "rule “Preventivní servis”, version 1" in said
    assert "a timer had come due" in said
    assert "└─ " in said


@pytest.mark.parametrize("kind", ["status", "points", "tier", "star", "task", "opportunity", "order"])
def test_what_is_not_known_is_a_plain_sentence(operator: Operator, kind: str) -> None:
    with pytest.raises(Refusal, match=r"^(There is no|Client .* has)"):
        operator.run("explain", kind, uuid4())


@pytest.mark.parametrize(("kind", "subject"), [("status", "Klient: 1"), ("mood", str(UUID(int=1))), ("order", "4711")])
def test_bad_questions_are_refused(operator: Operator, kind: str, subject: str) -> None:
    with pytest.raises(Refusal, match=r"is no id|cannot be explained|in any channel"):
        operator.run("explain", kind, subject)


def test_a_dead_letter_is_listed_shown_refused_again_and_dropped(operator: Operator) -> None:
    (letter,) = operator.ask("dead-letters")["items"]
    assert (letter["service"], letter["type"]) == ("orders", "intake:woocommerce")
    assert letter["id"] in operator.run("dead-letters")
    assert operator.ask("dead-letters", "list", "--service", "loyalty") == {"items": []}
    assert "mnoho" in operator.run("dead-letters", "show", letter["id"])
    (again,) = operator.ask("dead-letters", "retry", letter["id"], expect=1)["items"]
    assert again["state"] == "open"
    assert again["reason"]
    unknown = uuid4()
    found = operator.ask("dead-letters", "drop", letter["id"], unknown, expect=1)["items"]
    assert [one["state"] for one in found] == ["dropped", "unknown"]
    assert operator.ask("dead-letters")["items"] == []


@pytest.mark.parametrize(
    "arguments", [("bury",), ("show",), ("retry",), ("list", uuid4()), ("show", "x"), ("list", "--service", "nobody")]
)
def test_dead_letters_says_what_it_needs(operator: Operator, arguments: tuple[object, ...]) -> None:
    with pytest.raises(Refusal):
        operator.run("dead-letters", *arguments)


def test_a_key_is_made_works_is_listed_and_revoked(operator: Operator) -> None:
    text = operator.run("keys", "create", "--name", "Petr", "--role", "viewer", "--days", 7).strip()
    made = next(key for key in operator.ask("keys")["items"] if key["name"] == "Petr")
    assert made["expires_at"]
    bearer = {"Authorization": f"Bearer {text}"}
    address = f"{operator.suite.services['clients']}/v1/clients"
    assert httpx.get(address, headers=bearer, trust_env=False).status_code == 200
    assert operator.ask("keys", "revoke", made["id"])["id"] == made["id"]
    assert f"Key {made['id']} is revoked since 20" in operator.run("keys", "revoke", made["id"])
    assert "was made here" in operator.run("keys", "revoke", uuid4())
    assert httpx.get(address, headers=bearer, trust_env=False).status_code == 401


def test_the_first_operators_key_is_revoked_for_a_new_one(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secrets").mkdir()
    old = operator.run("keys", "create", "--name", "first operator", "--role", "admin").strip()
    first = operator.ask("keys")["items"][-1]
    monkeypatch.setattr(RunningSuite, "of", lambda _: operator.suite.with_key(old))
    said = operator.ask("keys", "revoke", first["id"], "--data", tmp_path)
    assert said["id"] == first["id"]
    kept = (tmp_path / "secrets" / "operator-key").read_text()
    with pytest.raises(Refusal, match="`klientela up` gives the first operator a new key"):
        operator.run("keys")
    monkeypatch.setattr(RunningSuite, "of", lambda _: operator.suite.with_key(kept))
    listed = {key["id"]: key for key in operator.ask("keys")["items"]}
    assert listed[first["id"]]["revoked_at"]
    assert (listed[said["replaced_by"]]["name"], listed[said["replaced_by"]]["revoked_at"]) == ("first operator", None)


@pytest.mark.parametrize("command", ["keys", "dead-letters"])
def test_tables_fit_into_eighty_columns(operator: Operator, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    operator.run("keys", "create", "--name", "Eva Marie Novotná z velkoobchodu", "--role", "operator", "--days", 7)
    lines = operator.run(command).splitlines()
    assert len(lines) > 2 or command == "dead-letters"
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    "arguments",
    [("create",), ("create", "--name", "x", "--role", "king"), ("revoke",), ("revoke", "nonsense"), ("burn",)],
)
def test_keys_says_what_it_needs(operator: Operator, arguments: tuple[str, ...]) -> None:
    with pytest.raises(Refusal):
        operator.run("keys", *arguments)


def test_a_service_that_does_not_answer_is_a_plain_sentence(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = RunningSuite(dict.fromkeys(operator.suite.services, "http://127.0.0.1:9"), "key")
    monkeypatch.setattr(RunningSuite, "of", lambda _: nowhere)
    with pytest.raises(Refusal, match="The service clients does not answer"):
        operator.run("keys", "list")
