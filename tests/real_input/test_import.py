"""A history goes through a real suite, and a checker that shares no code with it agrees."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from klientela.layout import DataDirectory
from klientela.samples import ORDERS
from tests.local.conftest import Suite
from tests.ports import free_base

CHECKER = Path(__file__).with_name("checker.py")
SHARED = Path(os.environ.get("KLIENTELA_SHARED_DATA", Path(__file__).parents[3] / "shared/data"))
REAL = SHARED / "online-retail.csv.gz"


class Imported:
    """A running suite, what it announced, and the command and the checker upon it."""

    def __init__(self, suite: Suite, announcement: dict[str, Any]) -> None:
        self.suite, self.announcement = suite, announcement
        self.first: dict[str, Any] = {}

    def command(self, file: Path, *options: str) -> list[str]:
        return [
            *self.suite.command,
            "import",
            "orders",
            str(file),
            "--json",
            *options,
            "--data",
            str(self.suite.layout.root),
        ]

    def run(self, file: Path, *options: str) -> dict[str, Any]:
        call = self.command(file, *options)
        done = subprocess.run(call, env=self.suite.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return told

    def check(self, file: Path, *options: str) -> subprocess.CompletedProcess[str]:
        """Run the checker in an interpreter that cannot find any package of ours."""
        call = [sys.executable, "-I", "-S", str(CHECKER), str(file), *options]
        return subprocess.run(call, input=json.dumps(self.announcement), capture_output=True, text=True, check=False)

    def heads(self) -> dict[str, Any]:
        services = json.loads(self.suite.run("status", "--json").stdout)["services"]
        return {name: service["status"]["heads"] for name, service in services.items()}


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Imported]:
    """A suite into which our own history was imported."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KLIENTELA_")}
    suite = Suite(DataDirectory.at(tmp_path_factory.mktemp("import") / "data"), free_base(), environment)
    try:
        one = Imported(suite, suite.up())
        one.first = one.run(ORDERS, "--currency", "CZK")
        yield one
    finally:
        suite.run("down")


def test_the_import_tells_what_the_history_holds(imported: Imported) -> None:
    told = dict(imported.first)
    assert told.pop("seconds") > 0
    assert told == {
        "orders": 35, "refunds": 5, "clients": 15, "lines": 89, "rejected": 3,
        "revenue": {"amount": "437901.875", "currency": "CZK"}, "points": 42_359,
    }  # fmt: skip


def test_the_checker_agrees_client_by_client(imported: Imported) -> None:
    done = imported.check(ORDERS, "--currency", "CZK")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "40 orders of 15 customers compared" in done.stdout


def test_twice_is_as_once_with_and_without_the_checkpoint(imported: Imported) -> None:
    before = imported.heads()
    again = imported.run(ORDERS, "--currency", "CZK")
    for checkpoint in (imported.suite.layout.root / "imports").glob("*.sent"):
        checkpoint.unlink()
    once_more = imported.run(ORDERS, "--currency", "CZK")
    for told in (again, once_more):
        assert {**told, "seconds": 0} == {**imported.first, "seconds": 0}
    assert imported.heads() == before, "no event was written"


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ("250002,TR-20", "250099,TR-20", "order 250002: is not in the file"),
        ("11:38:00,159,1002", "11:38:00,160,1002", "customer 1002: 141 points, should be 142"),
        ("11:38:00,159,1002", "11:38:00,159,1003", "client"),
        ("-2,2025-04-07 18:15:00,159,1003", "-2,2025-04-07 18:15:00,159,", "client is"),
    ],
)
def test_the_checker_sees_a_difference(imported: Imported, tmp_path: Path, old: str, new: str, difference: str) -> None:
    other = tmp_path / "orders.csv"
    text = ORDERS.read_text(encoding="utf-8")
    assert old in text
    other.write_text(text.replace(old, new), encoding="utf-8")
    done = imported.check(other, "--currency", "CZK")
    assert done.returncode == 1, done.stderr
    assert difference in done.stdout


def test_an_edited_history_is_imported_as_revisions(imported: Imported, tmp_path: Path) -> None:
    edited = tmp_path / "edited.csv"
    text = ORDERS.read_text(encoding="utf-8")
    edited.write_text(text, encoding="utf-8")
    imported.run(edited, "--currency", "CZK", "--channel", "edited")
    edited.write_text(text.replace("11:38:00,159,1002", "11:38:00,300.5,1002"), encoding="utf-8")
    imported.run(edited, "--currency", "CZK", "--channel", "edited")
    done = imported.check(edited, "--currency", "CZK", "--channel", "edited")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_wrong_currency_is_corrected_and_corrected_back_and_all_of_it_undone(imported: Imported) -> None:
    channel = ("--channel", "corrected")
    imported.run(ORDERS, "--currency", "CZK", *channel)
    for currency in ("GBP", "CZK"):
        refused = subprocess.run(
            imported.command(ORDERS, "--currency", currency, *channel),
            env=imported.suite.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert refused.returncode == 1
        assert "--correct" in refused.stderr
        imported.run(ORDERS, "--currency", currency, "--correct", *channel)
        done = imported.check(ORDERS, "--currency", currency, *channel)
        assert done.returncode == 0, done.stdout + done.stderr
    undone = imported.run(ORDERS, "--undo", *channel)
    assert (undone["points"], undone["revenue"]["amount"]) == (0, "0")
    assert imported.suite.run("verify").returncode == 0


def test_an_import_broken_off_by_ctrl_c_goes_on(imported: Imported, tmp_path: Path) -> None:
    long = tmp_path / "long.csv"
    heading, *lines = ORDERS.read_text(encoding="utf-8").splitlines(keepends=True)
    copies = (line.replace("25", f"{copy:03}25", 1) for copy in range(60) for line in lines if line[0] != "A")
    long.write_text(heading + "".join(copies), encoding="utf-8")
    with subprocess.Popen(
        imported.command(long, "--currency", "CZK"), env=imported.suite.environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        said = first + process.stderr.read()
    assert process.returncode == 130, said
    assert "goes on from there" in said
    told = imported.run(long, "--currency", "CZK")
    assert (told["orders"], told["refunds"]) == (35 * 60, 5 * 60)
    done = imported.check(long, "--currency", "CZK")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(
    os.environ.get("KLIENTELA_TEST_REAL_INPUT") != "1" or not REAL.exists(),
    reason=f"the real history takes minutes: set KLIENTELA_TEST_REAL_INPUT=1, and have {REAL}",
)
def test_the_real_history_agrees_client_by_client(imported: Imported) -> None:
    told = imported.run(REAL)
    assert (told["lines"], told["orders"], told["refunds"], told["rejected"]) == (541_909, 20_725, 3_836, 1_339)
    assert told["revenue"] == {"amount": "9758809.994", "currency": "GBP"}
    assert told["clients"] == 4_372
    done = imported.check(REAL)
    assert done.returncode == 0, done.stdout[-5_000:] + done.stderr
