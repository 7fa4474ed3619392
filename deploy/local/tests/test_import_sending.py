"""Sending a history to a stand-in of the suite that keeps what it is told."""

import codecs
import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.tests.stand_in import CHANNEL, StandIn
from klientela.errors import Refusal
from klientela.importing import orders as command
from klientela.importing.history import History
from klientela.importing.orders import Run, Wishes, import_orders, rate_of
from klientela.importing.progress import Progress
from klientela.layout import DataDirectory, write_private
from klientela.samples import ORDERS

WISHES = Wishes(Decimal(10), "CZK")


def test_a_history_is_sent_whole_and_told_of_in_one_line(
    suite: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert import_orders(DataDirectory.at(tmp_path), ORDERS, WISHES, as_json=True) == 0
    [line] = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert told.pop("seconds") >= 0
    assert told == {
        "orders": 35, "refunds": 5, "clients": 2, "lines": 89, "rejected": 3,
        "revenue": {"amount": "437901.875", "currency": "CZK"}, "points": 10,
    }  # fmt: skip
    assert suite.channels == [{"id": str(CHANNEL), "kind": "import", "name": "import orders"}]
    order = json.loads(suite.known["250004"])
    assert (order["revision"], order["placed_at"], order["paid_at"]) == (
        "2025-03-21T15:45:00Z", "2025-03-21T15:44:00Z", "2025-03-21T15:44:00Z",
    )  # fmt: skip
    assert (order["kind"], order["state"], order["total"], order["customer"]) == ("order", "paid", "33122.00", "1004")
    assert json.loads(suite.known["C250006"])["total"] == "-318"


def test_rejected_rows_are_written_with_line_and_reason_for_their_owner_only(
    suite: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import_orders(DataDirectory.at(tmp_path), ORDERS, WISHES, as_json=False)
    written = tmp_path / "imports/rejected-orders.csv"
    assert written.stat().st_mode & 0o777 == 0o600
    lines = list(csv.reader(written.read_text(encoding="utf-8-sig").splitlines()))
    said = capsys.readouterr()
    assert f"3 rejected rows, each with its line and reason: {written}" in said.err
    assert "revenue 437,901.875 CZK; 89 lines, 3 of them rejected" in said.out
    assert (lines[0][:3], written.read_bytes()[:3]) == (["Line", "Reason", "InvoiceNo"], codecs.BOM_UTF8)
    assert [line[2] for line in lines[1:]] == ["250014", "250029", "A250042"]
    assert ORDERS.read_text().splitlines()[int(lines[3][0]) - 1].startswith("A250042")


def test_a_second_run_sends_nothing_and_comes_to_the_same(suite: StandIn, tmp_path: Path) -> None:
    layout = DataDirectory.at(tmp_path)
    import_orders(layout, ORDERS, WISHES, as_json=True)
    before = dict(suite.known)
    assert import_orders(layout, ORDERS, WISHES, as_json=True) == 0
    assert suite.calls == [40]
    assert len(suite.channels) == 1
    assert suite.known == before


@pytest.mark.parametrize("how", ["checkpoint lost", "service forgot", "restored", "line cut short"])
def test_where_the_checkpoint_cannot_be_trusted_orders_are_sent_again(suite: StandIn, tmp_path: Path, how: str) -> None:
    layout = DataDirectory.at(tmp_path)
    import_orders(layout, ORDERS, WISHES, as_json=True)
    path = tmp_path / f"imports/{CHANNEL}.sent"
    if how == "checkpoint lost":
        path.unlink()
    elif how == "service forgot":
        del suite.known["250001"]
        suite.heard.clear()
    elif how == "restored":
        layout.secrets.mkdir(parents=True)
        write_private(layout.secrets / "restore-stamp", "another")
    else:
        path.write_text(path.read_text()[:-5])
    import_orders(layout, ORDERS, WISHES, as_json=True)
    assert suite.calls == [40, 40 if how in {"checkpoint lost", "restored"} else 1]
    import_orders(layout, ORDERS, WISHES, as_json=True)
    assert len(suite.calls) == 2


def test_an_import_that_was_stopped_goes_on_where_it_was(
    suite: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("klientela.importing.wire.MOST_ORDERS", 4)
    suite.trouble = lambda request: interrupt() if len(suite.known) >= 12 and "POST" in request.method else None

    def interrupt() -> httpx.Response:
        raise KeyboardInterrupt

    layout = DataDirectory.at(tmp_path)
    assert import_orders(layout, ORDERS, WISHES, as_json=True) == command.INTERRUPTED
    assert "the same command goes on from there" in capsys.readouterr().err.replace("\n", " ")
    sent = sum(suite.calls)
    assert 12 <= sent < 40
    suite.trouble = lambda _: None
    assert import_orders(layout, ORDERS, WISHES, as_json=True) == 0
    assert len(suite.known) == 40
    assert sum(suite.calls) <= 40 + 4 * 4, "at most the calls under way were sent twice"


def test_a_service_that_is_away_for_a_moment_is_waited_for(suite: StandIn, tmp_path: Path) -> None:
    answers = iter([httpx.Response(503), httpx.Response(503)])

    def trouble(request: httpx.Request) -> httpx.Response | None:
        return next(answers, None)

    suite.trouble = trouble
    assert import_orders(DataDirectory.at(tmp_path), ORDERS, WISHES, as_json=True) == 0


@pytest.mark.parametrize(("status", "sentence"), [(422, "refused POST"), (503, "does not answer")])
async def test_a_service_that_refuses_or_stays_away_ends_the_import(tmp_path: Path, status: int, sentence: str) -> None:
    suite = StandIn(trouble=lambda r: httpx.Response(status, json={"detail": "no"}) if r.method == "POST" else None)
    run = Run(DataDirectory.at(tmp_path), History.of(ORDERS), WISHES, Progress())
    with pytest.raises(Refusal, match=sentence):
        await run.whole_way(suite.api(patience=0))


def test_orders_that_did_not_arrive_are_told_and_end_with_1(
    suite: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = suite.take

    def lossy(orders: list[dict[str, Any]]) -> httpx.Response:
        return whole(orders[1:])

    monkeypatch.setattr(suite, "take", lossy)
    assert import_orders(DataDirectory.at(tmp_path), ORDERS, WISHES, as_json=True) == 1
    assert "dead-letters" in capsys.readouterr().err


def test_an_order_that_was_there_and_is_refused_now_is_told_too(
    suite: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = DataDirectory.at(tmp_path)
    assert import_orders(layout, ORDERS, WISHES, as_json=True) == 0
    whole = suite.take
    monkeypatch.setattr(suite, "take", lambda orders: whole(orders[2:]))
    assert import_orders(layout, ORDERS, Wishes(None, "EUR", correct=True), as_json=True) == 1
    assert "2 orders are not there as the file has them" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wishes",
    [{"currency": "gbp"}, {"channel": " "}, {"correct": True, "undo": True}],
)
def test_wishes_that_cannot_be_meant_are_refused(wishes: dict[str, Any]) -> None:
    with pytest.raises(Refusal):
        Wishes(Decimal(10), **wishes)


@pytest.mark.parametrize("rate", ["0", "x", "NaN", "-1"])
def test_a_rate_that_cannot_be_meant_is_refused(rate: str) -> None:
    with pytest.raises(Refusal):
        rate_of(rate)
