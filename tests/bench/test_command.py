"""`klientela bench` prints a table for people or JSON for machines, and its exit code says whether all bars are met."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench import __main__ as command
from bench import race
from bench.race import Lap, Race, Row


class Twice:
    """Ours does half of what the floor does."""

    async def floor(self) -> Lap:
        return Lap(1_000, 2)

    async def ours(self) -> Lap:
        return Lap(500, 6)


@asynccontextmanager
async def opened(_: object) -> AsyncIterator[Race]:
    yield Twice()


class Broken(Twice):
    """Ours fails."""

    async def ours(self) -> Lap:
        message = "out of luck"
        raise RuntimeError(message)


@asynccontextmanager
async def broken(_: object) -> AsyncIterator[Race]:
    yield Broken()


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    """Run the command on rows in place of its own; its book is in a folder for the test."""

    def run(rows: Sequence[Row], *options: str) -> int:
        monkeypatch.setattr(command, "ROWS", {row.name: row for row in rows})
        monkeypatch.setattr("logging.disable", lambda: None)  # other tests of this process want to be heard
        monkeypatch.setattr("structlog.configure", lambda **_: None)
        monkeypatch.setattr("sys.argv", ["bench", "--book", str(tmp_path / "book"), *options])
        return command.main()

    return run


@pytest.mark.parametrize("bar", [0.4, 0.8])
@pytest.mark.parametrize("options", [[], ["--json"]], ids=["table", "json"])
def test_rows_are_raced_told_and_kept(
    options: list[str], bar: float, bench: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row, code = Row("halves", "", "", "events/s", bar=bar, least=True, open=opened), int(bar > 0.5)
    assert bench([row], "--rounds", "5", *options) == code
    said = capsys.readouterr()
    assert said.err.count("halves: floor 1,000, ours 500 events/s") == 6
    if options:
        (told,) = map(json.loads, (tmp_path / "book").read_text().splitlines())
        assert told == json.loads(said.out)
        assert (told["ratio"], told["cpu_ratio"], told["holds"], told["rounds"]) == (0.5, 3.0, not code, 5)
        assert {"commit", "date", "machine"} <= set(told)
    else:
        assert "0.50" in said.out
        assert ("missed" in said.out) == bool(code)
        assert not (tmp_path / "book").exists()


def test_a_row_that_fails_is_told_and_the_others_go_on(
    bench: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [Row(name, "", "", "events/s", bar=None, least=True, open=opened) for name in ("first", "second", "third")]
    rows[1] = replace(rows[1], open=broken)
    assert bench(rows, "--rounds", "1") == 1
    said = capsys.readouterr()
    assert "second FAILED" in said.err
    assert "out of luck" in said.err
    assert "second failed" in said.out
    assert bench(rows, "--rounds", "1", "--json") == 1
    assert [json.loads(line)["row"] for line in capsys.readouterr().out.splitlines()] == ["first", "third"]


def test_what_was_told_is_kept_though_somebody_ends_the_run(
    bench: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [Row(name, "", "", "events/s", bar=None, least=True, open=opened) for name in ("first", "second")]
    ended = iter([False, True])

    async def run(row: Row, *others: Any) -> Any:
        if next(ended):
            raise KeyboardInterrupt
        return await race.run(row, *others)

    monkeypatch.setattr(command, "run", run)
    with pytest.raises(KeyboardInterrupt):
        bench(rows, "--rounds", "1", "--json")
    assert [json.loads(line)["row"] for line in (tmp_path / "book").read_text().splitlines()] == ["first"]


def test_who_ends_the_command_lets_it_stop_what_it_has_started(bench: Callable[..., int]) -> None:
    stopped = []

    class Ended(Twice):
        async def ours(self) -> Lap:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(60)  # lint-skip: sleep it is ended meanwhile
            return Lap(1)

    @asynccontextmanager
    async def started(_: object) -> AsyncIterator[Race]:
        try:
            yield Ended()
        finally:
            stopped.append(1)

    with pytest.raises(asyncio.CancelledError):
        bench([Row("one", "", "", "events/s", bar=None, least=True, open=started)])
    assert stopped


def test_figures_of_a_share_are_not_kept(
    bench: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "SHARE", 0.01)
    assert bench([Row("one", "", "", "events/s", bar=None, least=True, open=opened)], "--json") == 0
    assert not (tmp_path / "book").exists()


def test_a_row_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["bench", "nonsense"])
    with pytest.raises(SystemExit):
        command.main()
    assert "there is no row nonsense" in capsys.readouterr().err
