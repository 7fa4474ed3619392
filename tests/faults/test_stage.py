"""Machine and stage are lent from run to run, and made anew after one that failed; what was not struck is said."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from tests.faults import __main__ as command
from tests.faults import stage
from tests.faults.judge import Verdict
from tests.faults.row import Outcome, Row
from tests.faults.rows import ROWS
from tests.faults.rows.log import Reader

KEY = uuid4()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give what was made and ended; nothing real is."""
    happened: list[str] = []

    def stand_in(name: str) -> Any:
        @asynccontextmanager
        async def opened(*_: object) -> AsyncIterator[SimpleNamespace]:
            happened.append(name)
            yield SimpleNamespace(load=SimpleNamespace())
            happened.append(f"{name} ends")

        return opened

    monkeypatch.setattr(stage, "a_machine", stand_in("machine"))
    monkeypatch.setattr(stage, "a_stage", stand_in("stage"))
    return happened


async def test_runs_share_a_stage_and_none_is_idle_beside_a_fresh_one(made: list[str]) -> None:
    theatre = stage.Theatre()
    for fresh in (False, False, True, False):
        async with theatre.lend(fresh=fresh):
            pass
    assert made == ["machine", *("stage", "stage ends") * 2, "stage"]
    await theatre.close()
    assert made[6:] == ["stage ends", "machine ends"]


async def test_after_a_run_that_failed_all_is_made_anew(made: list[str]) -> None:
    theatre = stage.Theatre()
    with pytest.raises(ConnectionError):
        async with theatre.lend(fresh=False):
            raise ConnectionError
    assert made == ["machine", "stage", "stage ends", "machine ends"]
    async with theatre.lend(fresh=False):
        assert made[4:] == ["machine", "stage"]
    await theatre.close()


async def test_what_root_alone_may_is_not_struck_and_not_written(
    made: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    asked = SimpleNamespace(times=1, until=None, seed=None, book=tmp_path / "book.jsonl")
    assert await command.strike([ROWS["disk-kafka"]], cast("Any", asked))
    assert "disk-kafka: not struck" in capsys.readouterr().err
    assert made == []
    assert not asked.book.exists()


async def test_a_row_is_struck_until_that_is_enough(made: list[str], tmp_path: Path) -> None:
    async def two_faults(*_: object) -> Outcome:
        return Outcome(2, Verdict())

    row = Row("not in the book", "", 5, 9, two_faults)
    for until, seeds in (("enough", 3), ("enough", 3), ("goal", 5)):
        asked = SimpleNamespace(times=1, until=until, seed=None, book=tmp_path / "book.jsonl")
        assert await command.strike([row], cast("Any", asked))
        assert len(asked.book.read_text().splitlines()) == seeds


class Log:
    """A log of one lane, for the reader that follows it."""

    def __init__(self, *versions: int) -> None:
        self.rows = [(0, n, KEY, version) for n, version in enumerate(versions, 1)]

    async def fetch(self, _: str, lane: int, after: int) -> list[tuple[int, int, UUID, int]]:
        return [row for row in self.rows if (row[0], row[1] > after) == (lane, True)]


@pytest.mark.parametrize(("versions", "wrong"), [((1, 2, 3), 0), ((1, 3), 1), ((2, 3), 1), ((1, 1), 1)])
async def test_who_reads_the_log_misses_what_was_lost_before_it_had_a_number(
    versions: tuple[int, ...], wrong: int
) -> None:
    reader = Reader(cast("Any", Log(*versions)))
    assert len(await reader.follow()) == wrong
    assert reader.seen_of_others([]) == len(versions)
    assert reader.seen_of_others([KEY]) == len(versions) - versions[-1]
