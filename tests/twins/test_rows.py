"""A row of the faults can fail: services with one mechanism broken do not survive what the real ones do."""

import os
from pathlib import Path

import pytest

from tests.faults import judge
from tests.faults.row import Draw
from tests.faults.rows import ROWS
from tests.faults.stage import Theatre
from tests.twins.test_twins import HERE, broken_copy, sources

TWINS = {"repeats-applied": ("replay", "doubled")}
"""Twins whose fault shows in every run of a row, and as what it is counted; a suite that only stands still is not."""
PATIENCE = 60
"""Seconds after which what is wrong stays so; the judge of the real rows waits longer."""


@pytest.mark.parametrize("twin", TWINS)
async def test_the_row_is_red(twin: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sources(broken_copy(HERE / f"{twin}.patch", tmp_path))))
    monkeypatch.setattr(judge, "PATIENCE", PATIENCE)
    (row, kind), theatre = TWINS[twin], Theatre()
    try:
        async with theatre.lend(fresh=True) as stage:
            outcome = await ROWS[row].strike(stage, Draw(row, 0, short=True))
    finally:
        await theatre.close()
    assert getattr(outcome.verdict.counts, kind), outcome.verdict.reasons
