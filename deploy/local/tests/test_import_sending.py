"""Sending a history to a stand-in of the suite that keeps what it is told."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from klientela.errors import Refusal
from klientela.importing import orders as command
from klientela.importing.history import History
from klientela.importing.orders import Run, Wishes, import_orders, rate_of
from klientela.importing.progress import Progress
from klientela.importing.suite_api import SuiteApi
from klientela.layout import DataDirectory, write_private
from klientela.samples import ORDERS

CHANNEL = UUID("00000000-0000-4000-8000-000000000001")


@dataclass
class StandIn:
    """What the services would answer, and what they were told."""

    channels: list[dict[str, Any]] = field(default_factory=list)
    known: dict[str, bytes] = field(default_factory=dict)
    calls: list[int] = field(default_factory=list)
    programme: dict[str, Any] = field(
        default_factory=lambda: {
            "rates": {"CZK": "10"},
            "tiers": {"silver": 1, "gold": 2},
            "valid_from": "1970-01-01T00:00:00Z",
            "version": 1,
        }
    )
    trouble: Callable[[httpx.Request], httpx.Response | None] = lambda _: None

    def answer(self, request: httpx.Request) -> httpx.Response:
        said = self.trouble(request)
        if said:
            return said
        path = request.url.path
        if path == f"/v1/channels/{CHANNEL}/orders":
            return self.take(json.loads(request.content)["orders"])
        if request.method == "POST":
            self.channels.append({"id": str(CHANNEL), **json.loads(request.content)})
            return httpx.Response(201, json=self.channels[-1])
        if request.method == "PUT":
            self.programme |= json.loads(request.content)
        answers = {
            "/v1/channels": page(self.channels),
            "/v1/programme": self.programme,
            "/v1/programme/versions": page([self.programme]),
            "/v1/status": {"intake": 0, "parked": 0, "timers_due": 0, "jobs": 0, "heads": {}, "progress": {}},
            "/v1/orders": {**page(self.shown(request.url.params.get("external_id"))), "count": len(self.known)},
            "/v1/identities": page(
                [{"kind": "external", "value": f"{CHANNEL}:{n}", "client_id": f"c{n}"} for n in (1, 2)]
            ),
            "/v1/accounts": page([{"client_id": client, "points": 5} for client in ("c1", "c2", "another")]),
        }
        return httpx.Response(200, json=answers[path])

    def take(self, orders: list[dict[str, Any]]) -> httpx.Response:
        self.calls.append(len(orders))
        self.known |= {order["external_id"]: json.dumps(order).encode() for order in orders}
        return httpx.Response(202, json={"accepted": len(orders)})

    def shown(self, external_id: str | None) -> list[dict[str, Any]]:
        told = [json.loads(self.known[external_id])] if external_id in self.known else []
        return [
            {"total": {"currency": one["currency"]}, "state": one["state"], "revised_at": one["revision"]}
            for one in told
        ]

    def api(self, patience: float = 5) -> SuiteApi:
        names = ("clients", "orders", "loyalty")
        transport = httpx.MockTransport(self.answer)
        return SuiteApi({name: f"http://{name}" for name in names}, "key", patience=patience, transport=transport)


def page(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"items": items, "next": None}


@pytest.fixture
def suite(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    stand_in = StandIn()
    monkeypatch.setattr(SuiteApi, "of", lambda layout: stand_in.api())
    monkeypatch.setattr("klientela.importing.quiet.LOOK", 0)
    return stand_in


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
    lines = written.read_text().splitlines()
    said = capsys.readouterr()
    assert f"3 rejected rows, each with its line and reason: {written}" in said.err
    assert "revenue 437,901.875 CZK; 89 lines, 3 of them rejected" in said.out
    assert lines[0].startswith("Line,Reason,InvoiceNo,")
    assert [line.split(",")[2] for line in lines[1:]] == ["250014", "250029", "A250042"]
    assert ORDERS.read_text().splitlines()[int(lines[3].split(",")[0]) - 1].startswith("A250042")


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
    elif how == "restored":
        layout.secrets.mkdir(parents=True)
        write_private(layout.secrets / "restore-stamp", "another")
    else:
        path.write_text(path.read_text()[:-5])
    import_orders(layout, ORDERS, WISHES, as_json=True)
    assert suite.calls == [40, 1 if how == "line cut short" else 40]
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


@pytest.mark.parametrize(
    "wishes",
    [{"currency": "gbp"}, {"channel": " "}, {"again": True, "undo": True}],
)
def test_wishes_that_cannot_be_meant_are_refused(wishes: dict[str, Any]) -> None:
    with pytest.raises(Refusal):
        Wishes(Decimal(10), **wishes)


@pytest.mark.parametrize("rate", ["0", "x", "NaN", "-1"])
def test_a_rate_that_cannot_be_meant_is_refused(rate: str) -> None:
    with pytest.raises(Refusal):
        rate_of(rate)


def test_a_wrong_currency_is_refused_then_corrected_and_corrected_back(suite: StandIn, tmp_path: Path) -> None:
    layout = DataDirectory.at(tmp_path)
    import_orders(layout, ORDERS, WISHES, as_json=True)
    bodies = {"first": dict(suite.known)}
    with pytest.raises(Refusal, match="orders in CZK, not in EUR"):
        import_orders(layout, ORDERS, Wishes(Decimal(1), "EUR"), as_json=True)
    assert suite.calls == [40]
    assert "EUR" not in suite.programme["rates"]
    for currency in ("EUR", "CZK"):
        assert import_orders(layout, ORDERS, Wishes(Decimal(1), currency, again=True), as_json=True) == 0
        assert {json.loads(body)["currency"] for body in suite.known.values()} == {currency}
        bodies[currency] = dict(suite.known)
    assert not set(bodies["first"].values()) & set(bodies["CZK"].values()), (
        "or the service would take it as a repetition"
    )
    import_orders(layout, ORDERS, WISHES, as_json=True)
    assert suite.calls == [40, 40, 40]


def test_an_undone_history_is_cancelled_until_it_is_told_again(
    suite: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layout = DataDirectory.at(tmp_path)
    import_orders(layout, ORDERS, WISHES, as_json=True)
    capsys.readouterr()
    assert import_orders(layout, ORDERS, Wishes(None, undo=True), as_json=True) == 0
    assert {json.loads(body)["state"] for body in suite.known.values()} == {"cancelled"}
    assert json.loads(capsys.readouterr().out)["revenue"] == {"amount": "0", "currency": "CZK"}
    with pytest.raises(Refusal, match="--again"):
        import_orders(layout, ORDERS, WISHES, as_json=True)
    import_orders(layout, ORDERS, Wishes(None, again=True), as_json=True)
    assert {json.loads(body)["state"] for body in suite.known.values()} == {"paid"}


def test_a_new_channel_beside_others_says_that_their_orders_would_come_a_second_time(
    suite: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite.channels.append({"id": str(UUID(int=9)), "kind": "import", "name": "ERP"})
    import_orders(DataDirectory.at(tmp_path), ORDERS, WISHES, as_json=True)
    assert "what “ERP” brought would come a second time" in capsys.readouterr().err
