"""`klientela bench` prints a table for people or JSON for machines, and its exit code says whether all bars are met."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bench import __main__ as command
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


@pytest.mark.parametrize(("bar", "code"), [(0.4, 0), (0.8, 1)])
@pytest.mark.parametrize("options", [[], ["--json"]], ids=["table", "json"])
def test_rows_are_raced_and_told(
    options: list[str], bar: float, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = Row("halves", "", "", "events/s", bar=bar, least=True, open=opened)
    monkeypatch.setattr(command, "ROWS", {"halves": row})
    monkeypatch.setattr("logging.disable", lambda: None)  # other tests of this process want to be heard
    monkeypatch.setattr("structlog.configure", lambda **_: None)
    monkeypatch.setattr("sys.argv", ["bench", "--rounds", "2", *options])
    assert command.main() == code
    said = capsys.readouterr()
    assert said.err.count("halves: floor 1,000, ours 500 events/s") == 3
    if options:
        (told,) = json.loads(said.out)["rows"]
        assert (told["ratio"], told["cpu_ratio"], told["holds"]) == (0.5, 3.0, not code)
    else:
        assert "0.50" in said.out
        assert ("missed" in said.out) == bool(code)


def test_a_row_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["bench", "nonsense"])
    with pytest.raises(SystemExit):
        command.main()
    assert "there is no row nonsense" in capsys.readouterr().err
