"""Figures are kept row by row; the page shows the newest, and says that nothing is met where that was not seen."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree as ET

import pytest

from bench.book import HEAD, NONE, NOT_YET, Entry, cells, entry_of, keep, newest
from bench.machine import describe
from bench.race import Lap, Outcome, Row
from bench.rows import ROWS
from scripts import performance
from scripts.markers import BEGIN, END
from scripts.plots import bars, line

ROW = Row("halves", "what", "floor", "events/s", 0.5, True, cast("Any", None), cpu_of="this process")
BEGAN = datetime(2026, 10, 1, tzinfo=UTC)
MACHINE = describe()
"""As it was once: its load is another one a moment later."""


def entry(rounds: int = 5, *, row: Row = ROW, ours: float = 60, spread: float = 0, **said: Any) -> Entry:
    floor = [Lap(100 + spread * 100 * (n == 0), 2) for n in range(rounds)]
    outcome = Outcome(row, floor, [Lap(ours, 3, **said)] * rounds)
    return cast("Entry", json.loads(json.dumps(entry_of(outcome, MACHINE, BEGAN))))


def shown(entry: Entry | None, row: Row = ROW) -> Mapping[str, str]:
    return dict(zip(HEAD, cells(row, entry), strict=True))


def test_a_row_is_shown_with_all_that_is_known_of_it() -> None:
    assert shown(entry()) == {
        "row": "halves", "what": "what; floor: floor", "floor": "100 events/s", "ours": "60.0 events/s",
        "ratio": "0.60", "CPU": "1.50", "bar": "≥ 0.5", "met": "met", "rounds": "5", "spread": "0%",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("said", "row", "met"),
    [
        (entry(ours=40), ROW, "missed"),
        (entry(4), ROW, "too few rounds"),
        (entry(4, ours=40), ROW, "too few rounds"),
        (entry(1, row=replace(ROW, once=True)), replace(ROW, once=True), "met"),
        (entry(spread=0.2), ROW, "met, unsteady"),
        (entry(), replace(ROW, bar=None), "stated"),
        (entry(), replace(ROW, bar=0.7), "missed"),
    ],
)
def test_nothing_is_met_that_was_not_seen_to_be(said: Entry, row: Row, met: str) -> None:
    assert shown(said, row)["met"] == met


def test_what_was_not_measured_says_so() -> None:
    assert shown(None)["floor"] == NOT_YET
    assert "met" not in shown(None).values()
    assert shown({**entry(), "cpu_ratio": None})["CPU"] == NONE


def test_the_newest_line_of_each_row_counts_if_it_was_judged_as_it_is_now(tmp_path: Path) -> None:
    book = tmp_path / "book.jsonl"
    assert newest({"halves": ROW}, book) == {}
    for said in (entry(ours=1), entry(ours=60), {**entry(), "unit": "s"}, {**entry(), "by": "cpu"}):
        keep(said, book)
    keep({**entry(), "row": "gone"}, book)
    assert newest({"halves": ROW}, book) == {"halves": entry(ours=60)}


def test_the_rows_of_the_page_are_those_of_the_bench() -> None:
    page = (performance_page := Path(__file__).parents[2] / "docs/performance.md").read_text(encoding="utf-8")
    table = page.partition(BEGIN)[2].partition(END)[0]
    rows = [each.split(" | ")[0].removeprefix("| ") for each in table.splitlines() if each.startswith("| ")]
    assert rows == ["row", "---", *ROWS], performance_page


def test_the_page_says_where_it_was_measured_and_shows_a_plot(tmp_path: Path) -> None:
    book = tmp_path / "book.jsonl"
    keep(entry(), book)
    page = performance.page(f"before\n{BEGIN}\nold\n{END}\nafter", book, {"halves": ROW})
    assert page.startswith(f"before\n{BEGIN}\n| row |")
    assert page.endswith(f"{END}\nafter")
    assert "old" not in page
    assert "- halves: 2026-10-01, commit " in page
    assert "- CPU of this process: halves" in page
    assert "![halves](plots/halves.svg)" in page


def test_plots_are_images_and_the_same_for_the_same_figures(tmp_path: Path) -> None:
    book, rows = tmp_path / "book.jsonl", {name: replace(ROW, name=name) for name in ("a", *performance.MEMBERS)}
    keep(entry(row=rows["a"], series=((1, 100), (2, 50))), book)
    for name in performance.MEMBERS:
        keep(entry(row=rows[name]), book)
    drawn = performance.drawn(book, rows)
    assert list(drawn) == [f"{name}.svg" for name in (*rows, "scaling")]
    assert drawn == performance.drawn(book, rows)
    assert ["polyline" in plot for plot in drawn.values()] == [True, False, False, True]
    for plot in drawn.values():
        ET.fromstring(plot)  # noqa: S314 - our own


def test_the_longer_bar_is_the_larger_figure() -> None:
    widths = [each.get("width") for each in ET.fromstring(bars("t", 50, 100)).iter() if each.get("rx") == "3"]  # noqa: S314
    assert [float(width or 0) for width in widths] == [165, 330]
    assert "nan" not in line("t", [(1, 5)])
