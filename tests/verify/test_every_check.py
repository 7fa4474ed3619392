"""Every check holds for a suite that did its work, and names the row that was spoilt by hand."""

import asyncio
import json

import pytest

from chassis import checks as machinery
from klientela.layout import DataDirectory
from klientela.proof import verify as module
from klientela.proof.verify import all_services
from klientela.running import RunningSuite
from tests.verify.conftest import Workshop
from tests.verify.corruptions import NEWEST, OWN, all_corruptions, all_names, own_names

PERSONAL = ("25596641", "27074358", "example", "Firma", "Proaktivně", "Eva")
NEEDS_NO_ROW = {"nothing-parked", "requests-decided-once"}
"""Checks that examine what there need not be any of."""


def test_every_check_has_a_corruption() -> None:
    assert all_names() - all_corruptions().keys() == set()


def test_no_corruption_is_left_of_a_check_that_is_gone() -> None:
    assert OWN.keys() - {name for service in all_services() for name in own_names(service)} == set()


def test_all_checks_hold_for_a_suite_that_did_its_work(workshop: Workshop) -> None:
    found = asyncio.run(workshop.prove())
    assert {name: finding.failures for name, finding in found.items() if finding.failed} == {}
    assert found.keys() == all_names() | {f"{one.name}.{name}" for one in all_services() for name in machinery.NOTES}
    empty = {name.partition(".")[2] for name in all_names() if not found[name].examined}
    assert empty <= NEEDS_NO_ROW


@pytest.mark.parametrize("name", sorted(all_names()))
def test_a_spoilt_row_is_named_by_its_check(workshop: Workshop, name: str) -> None:
    corruption = all_corruptions()[name]
    done, found = asyncio.run(workshop.prove_spoilt(corruption.service, corruption.sql))
    assert not done.endswith(" 0"), "the corruption spoilt nothing"
    assert found[name].failed
    assert "could not be run" not in found[name].failures[0]
    said = json.dumps([finding.as_json() for finding in found.values()], ensure_ascii=False)
    assert [word for word in PERSONAL if word in said] == []


@pytest.mark.parametrize("as_json", [True, False])
def test_the_command_ends_with_1_and_names_the_check(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, as_json: bool
) -> None:
    asyncio.run(workshop.spoil("loyalty", "update accounts set points = points + 1 where points > 0"))
    monkeypatch.setattr(RunningSuite, "of", lambda _: RunningSuite({}, "", workshop.databases))
    assert module.verify(DataDirectory.at(None), wait=0, as_json=as_json) == 1
    out = capsys.readouterr().out
    assert str(workshop.story.client) in out
    if as_json:
        said = json.loads(out.splitlines()[-1])
        assert said["ok"] is False
        failing = [check["name"] for check in said["checks"] if check["failures"]]
        assert "loyalty.balance-is-sum-of-entries" in failing


def test_the_command_ends_with_0_for_a_whole_suite(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(RunningSuite, "of", lambda _: RunningSuite({}, "", workshop.databases))
    assert module.verify(DataDirectory.at(None), wait=0, as_json=True) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["ok"] is True
    assert all(set(check) >= {"name", "examined", "failures"} for check in said["checks"])


TWICE = (
    "insert into chassis.events select lane, sequence + 1000, incarnation, gen_random_uuid(), type, key, subject,"
    " version, at, correlation, causation, cause_place, hops, actor, body from chassis.events"
    " where type = 'clients.client_starred.v1'"
)
ONE = f"where (lane, sequence) = {NEWEST}"
MORE = [
    ("loyalty.log-readable", "update chassis.events set type = 'orders.order_paid.v1' " + ONE, "no event of loyalty"),
    ("loyalty.log-readable", "update chassis.events set key = gen_random_uuid() " + ONE, "the body has another key"),
    ("loyalty.log-readable", "update chassis.events set subject = gen_random_uuid() " + ONE, "another subject"),
    ("loyalty.log-readable", "update chassis.events set version = version + 9 " + ONE, "another version"),
    (
        "clients.requests-decided-once",
        TWICE,
        "was answered by 2 events",
    ),
    ("clients.requests-decided-once", "delete from chassis.requests", "is not among the decided ones"),
    ("orders.orders-in-clients", "delete from order_copies where present", "is missing"),
    ("loyalty.log-gapless", "update chassis.counters set head = head + 1 where lane = 0", "lane 0 has"),
    ("loyalty.log-gapless", "delete from chassis.counters where head > 0", "its head is 0"),
]


@pytest.mark.parametrize(("name", "sql", "said"), MORE)
def test_what_else_a_check_sees(workshop: Workshop, name: str, sql: str, said: str) -> None:
    service = name.partition(".")[0] if not name.startswith("orders.orders-in") else "clients"
    _, found = asyncio.run(workshop.prove_spoilt(service, sql))
    assert any(said in failure for failure in found[name].failures), found[name].failures


def test_a_check_that_cannot_be_run_has_failed_and_the_others_go_on(workshop: Workshop) -> None:
    broken = "update chassis.events set body = '\\x7b', cause_place = 'automation/1/1', type = 'x' " + ONE
    _, found = asyncio.run(workshop.prove_spoilt("loyalty", broken))
    assert found["loyalty.requests-decided-once"].failures[0].startswith("the check could not be run")
    assert found["loyalty.tier-follows-points"].failed == 0


def test_open_dead_letters_are_counted_and_no_failure(workshop: Workshop) -> None:
    found = asyncio.run(workshop.prove())["orders.dead-letters"]
    assert (found.examined, found.failed) == (1, 0)
    assert "1 open" in found.note
