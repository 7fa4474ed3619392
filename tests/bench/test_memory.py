"""The minutes of an hour under load: ours goes on where the floor ended, and a batch in hand counts for nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from bench.rows import memory
from bench.rows.memory import Loaded


class Working:
    """A load that is counted."""

    def __init__(self) -> None:
        self.loads = 0

    @asynccontextmanager
    async def running(self, _: object) -> AsyncIterator[None]:
        self.loads += 1
        yield


async def test_ours_goes_on_where_the_floor_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"MINUTE": 0.01, "LOOKS": 3, "EARLY": 2, "LATE": 5}.items():
        monkeypatch.setattr(memory, name, value)
    load = Working()
    found = iter([1, 900, 2, 100, 3, 100, *[104] * 9])
    monkeypatch.setattr(memory, "resident", lambda _: next(found))
    race = Loaded(cast("Any", None), cast("Any", load))
    assert (await race.floor()).figure == 100
    assert load.loads == 2
    assert (await race.ours()).figure == 104
    assert load.loads == 5
