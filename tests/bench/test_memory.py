"""The minutes of an hour under load: ours goes on where the floor ended, and a batch in hand counts for nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from bench.rows import memory
from bench.rows.memory import Loaded


class Working:
    """A load that is counted; each has one order."""

    def __init__(self) -> None:
        self.inputs = self
        self.sent: list[int] = []

    @asynccontextmanager
    async def running(self, _: object) -> AsyncIterator[None]:
        self.sent.append(1)
        yield


async def test_ours_goes_on_where_the_floor_ended_and_of_both_several_minutes_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {"MINUTE": 0.01, "LOOKS": 3, "OVER": 3, "EARLY": 5, "LATE": 9}.items():
        monkeypatch.setattr(memory, name, value)
    load = Working()
    minutes = [10, 10, 100, 101, 999, 103, 104, 106, 105]
    found = iter([each for minute in minutes for each in (minute, minute, 2_000)])
    monkeypatch.setattr(memory, "resident", lambda _: next(found))
    race = Loaded(cast("Any", None), cast("Any", load))
    assert (await race.floor()).figure == 101
    assert len(load.sent) == 5
    lap = await race.ours()
    assert lap.figure == 105
    assert lap.series == tuple(enumerate(minutes, 1))
    assert len(load.sent) == 9
    assert dict(lap.also)["orders/s"] > 0


async def test_growth_is_told_by_all_minutes_after_the_first_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"MINUTE": 0.001, "LOOKS": 1, "OVER": 2, "EARLY": 3, "LATE": 6}.items():
        monkeypatch.setattr(memory, name, value)
    found = iter([1, 100, 102, 104, 106, 108])
    monkeypatch.setattr(memory, "resident", lambda _: next(found))
    race = Loaded(cast("Any", None), cast("Any", Working()))
    await race.floor()
    assert dict((await race.ours()).also)["MB an hour"] == pytest.approx(120)
