"""The rows of the faults can fail: services with one mechanism broken do not survive what the real ones do."""

import os
from pathlib import Path

import pytest

from tests.faults import judge
from tests.faults.row import Draw
from tests.faults.rows import ROWS
from tests.faults.stage import Theatre
from tests.twins.test_twins import HERE, broken_copy, sources

TWINS = {
    "heads-never-asked": ("first-fill", 0),
    "repeats-applied": ("replay", 0),
    "numbers-taken-back-forgotten": ("rewind-owner", 0),
}
"""Twins whose fault shows in every run of a row, with the row and its number."""
PATIENCE = 20
"""Seconds after which what has not come to rest never will; the judge of the real rows waits longer."""


@pytest.mark.parametrize("twin", TWINS)
async def test_the_row_is_red(twin: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sources(broken_copy(HERE / f"{twin}.patch", tmp_path))))
    monkeypatch.setattr(judge, "PATIENCE", PATIENCE)
    name, number = TWINS[twin]
    theatre = Theatre()
    try:
        async with theatre.lend(fresh=True) as stage:
            outcome = await ROWS[name].strike(stage, Draw(name, number, short=True))
            assert any(outcome.verdict.counts)
    except TimeoutError:
        pass  # it came to no rest, which the command counts as stuck
    finally:
        await theatre.close()
