"""The command says what it struck, writes what came of it, and ends with 1 where anything was not as it is to be."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, Mock

import asyncpg
import pytest

from klientela.errors import Refusal
from tests.faults import __main__ as command
from tests.faults import book, stage
from tests.faults.book import Entry, Present, entry_of, read, write
from tests.faults.judge import Counts, Verdict
from tests.faults.row import Draw, NotStruck, Outcome, Row, Run
from tests.faults.rows import ROWS
from tests.faults.stage import Stage

Asked = Callable[..., Any]
CANNOT_ROLL_BACK = asyncpg.InterfaceError("another operation is in progress")


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Give what a command line may have asked, with a book that is not there yet."""
    monkeypatch.setattr(book, "commit_of", lambda _: "")
    return lambda **more: SimpleNamespace(
        **{"times": 1, "until": None, "seed": None, "book": tmp_path / "book.jsonl", **more}
    )


def a_row(run: Run) -> Row:
    return Row("kill-kafka", "", 5, 9, run)


def raising(*errors: Exception | None) -> Run:
    """A run that raises one error after the other, or strikes twice."""
    left = list(errors)

    async def run(_stage: Stage, _random: Draw) -> Outcome:
        if error := left.pop(0):
            raise error
        return Outcome(2, Verdict())

    return run


def called(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Call the command; return its exit code."""
    monkeypatch.setattr(sys, "argv", ["faults", *arguments])
    monkeypatch.setattr("logging.disable", lambda: None)
    return command.main()


def written(path: Path) -> list[Entry]:
    return sorted(read(path), key=lambda entry: entry.seed)


async def test_what_root_alone_may_is_not_struck_and_not_written(
    made: list[str], monkeypatch: pytest.MonkeyPatch, asked: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert await command.strike([ROWS["disk-kafka"]], asked())
    assert "disk-kafka: not struck" in capsys.readouterr().err
    assert made == []
    assert not asked().book.exists()


async def test_a_row_is_struck_until_that_is_enough(made: list[str], asked: Asked) -> None:
    row = a_row(raising(*[None] * 5))
    for until, seeds in (("enough", 3), ("enough", 3), ("goal", 5)):
        assert await command.strike([row], asked(until=until))
        assert len(asked().book.read_text().splitlines()) == seeds


@pytest.mark.parametrize(
    "error", [Refusal("it did not come up"), TimeoutError(), ExceptionGroup("", [NotStruck(), OSError()])]
)
async def test_what_does_not_end_well_is_stuck(made: list[str], asked: Asked, error: Exception) -> None:
    """A service that refuses to come up is, too; so is what fails beside a fault that did not take place."""
    assert not await command.strike([a_row(raising(error, None))], asked(times=4))
    (entry,) = written(asked().book)
    assert (entry.times, entry.counts) == (1, (0, 0, 0, 1))
    assert type(error).__name__ in entry.reasons[0] or "OSError" in entry.reasons[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("swallowed", [False, True])
async def test_a_run_that_is_interrupted_is_not_written_and_the_last(
    made: list[str], asked: Asked, number: signal.Signals, *, swallowed: bool
) -> None:
    """Also where what was under way says something else: asyncpg cannot roll back in the middle of a statement."""

    async def run(_stage: Stage, _random: Draw) -> Outcome:
        os.kill(os.getpid(), number)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if not swallowed:
                raise CANNOT_ROLL_BACK from None
        return Outcome(1, Verdict(Counts(stuck=1)))

    with pytest.raises(command.Ended) as ended:
        await command.strike([a_row(run)] * 2, asked(times=4))
    assert ended.value.code == 128 + number
    assert made == ["machine", "stage", "stage ends", "machine ends"]
    assert not asked().book.exists()


async def test_where_no_machine_can_be_made_nothing_is_written(monkeypatch: pytest.MonkeyPatch, asked: Asked) -> None:
    monkeypatch.setattr(stage, "a_machine", Mock(side_effect=stage.NoMachine("no room")))
    with pytest.raises(stage.NoMachine):
        await command.strike([a_row(raising(None))], asked())
    assert not asked().book.exists()


async def test_a_seed_that_does_not_strike_is_told_and_passed_over(
    made: list[str], asked: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    missed = ExceptionGroup("of a load", [ExceptionGroup("", [NotStruck("nobody was there")])])
    assert await command.strike([a_row(raising(missed, NotStruck("gone"), None, missed, None))], asked(times=4))
    entries = written(asked().book)
    assert [(entry.seed, entry.times) for entry in entries] == [(0, 0), (1, 0), (2, 2), (3, 0), (4, 2)]
    assert not any(sum(entry.counts) for entry in entries)
    assert entries[0].reasons == ("NotStruck: nobody was there",)
    said = capsys.readouterr().err
    assert "kill-kafka --seed 0: not struck" in said
    assert "kill-kafka --seed 4 is struck, since " in said
    assert "kill-kafka --seed 4: 2 faults, 0 lost, 0 doubled, 0 out of order, 0 stuck (" in said


@pytest.mark.parametrize("nothing", [NotStruck("gone"), None])
async def test_a_row_that_never_strikes_ends(made: list[str], asked: Asked, nothing: NotStruck | None) -> None:
    async def run(_stage: Stage, _random: Draw) -> Outcome:
        if nothing:
            raise nothing
        return Outcome(0, Verdict())

    assert not await command.strike([a_row(run)], asked(until="enough"))
    assert [entry.seed for entry in written(asked().book)] == [0, 1, 2]


@pytest.mark.parametrize("how", [["--table"], ["--until", "enough"]])
@pytest.mark.parametrize("lost", [0, 1])
def test_a_table_that_shows_a_loss_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, asked: Asked, how: list[str], lost: int
) -> None:
    row = ROWS["kill-kafka"]
    outcome = Outcome(row.enough, Verdict(Counts(lost=lost)))
    write(entry_of(row, 0, outcome, Present.of(row)), asked().book)
    monkeypatch.setattr(command, "BOOK", asked().book)
    assert called(monkeypatch, row.name, *how, "--book", str(asked().book)) == lost


def test_who_is_interrupted_is_told_so_and_shown_the_table(
    monkeypatch: pytest.MonkeyPatch, asked: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "strike", AsyncMock(side_effect=command.Ended(signal.SIGTERM)))
    assert called(monkeypatch, "kill-kafka", "--json", "--book", str(asked().book)) == 143
    said = capsys.readouterr()
    assert "not in the book" in said.err
    assert json.loads(said.out)[0]["row"] == "kill-kafka"


@pytest.mark.parametrize("how", [(), ("--table",)])
def test_a_book_that_is_none_is_refused_before_anything_is_struck(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], how: tuple[str, ...]
) -> None:
    monkeypatch.setattr(command, "strike", Mock(side_effect=AssertionError))
    assert called(monkeypatch, "--book", str(tmp_path), *how) == 2
    assert capsys.readouterr().err.startswith(f"The book {tmp_path} cannot be ")
    if how:
        return
    assert called(monkeypatch, "--book", "/proc/none/book.jsonl") == 2


@pytest.mark.parametrize(
    "wrong",
    [
        ("--times", "0"), ("--times", "-3"), ("--times", "1", "--until", "goal"), ("--seed", "-1"),
        ("--seed", "9" * 5_000), ("--seed", "²"), ("--list", "--table"), ("no-row",),
    ],
)  # fmt: skip
def test_what_nobody_means_is_refused(monkeypatch: pytest.MonkeyPatch, wrong: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as refused:
        called(monkeypatch, *wrong)
    assert refused.value.code == 2


def test_rows_are_named_as_asked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert called(monkeypatch, "--list", "log", "gap") == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["log", "gap"]
    assert called(monkeypatch, "--list", "--json") == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == list(ROWS)
