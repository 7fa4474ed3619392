"""The book of figures: a line for each row of a run; docs/performance.md shows the newest of each row."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.machine import Description
from bench.race import UNSTEADY, Outcome, Row, shown
from klientela.layout import PROJECT
from tests.faults.book import commit_of

BOOK = PROJECT / "docs/performance.jsonl"
"""What is published."""
ENOUGH = 5
"""Rounds below which nothing is said to be met."""
Entry = Mapping[str, Any]
"""What is kept of a row, as JSON has it: see ``Outcome.as_json``."""
HEAD = ["row", "what", "floor", "ours", "ratio", "CPU", "bar", "met", "rounds", "spread"]
NOT_YET = "not measured yet"
NONE = "–"  # noqa: RUF001 - a dash


def entry_of(outcome: Outcome, machine: Description, began: datetime) -> Entry:
    """Return what is kept of a row: what came of it, with which code, when and where."""
    return {
        **outcome.as_json(),
        "commit": commit_of(PROJECT),
        "date": f"{began:%Y-%m-%d}",
        "machine": machine._asdict(),
    }


def keep(entry: Entry, book: Path) -> None:
    """Add a line to a book."""
    with book.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry, separators=(",", ":"), ensure_ascii=False) + "\n")


def newest(rows: Mapping[str, Row], book: Path) -> dict[str, Entry]:
    """Return the newest line of each row that was judged as the row is now, in its unit."""
    found = map(json.loads, book.read_text(encoding="utf-8").splitlines()) if book.exists() else ()
    return {
        entry["row"]: entry
        for entry in found
        if (row := rows.get(entry["row"])) and (row.unit, row.by) == (entry["unit"], entry["by"])
    }


def cells(row: Row, entry: Entry | None) -> list[str]:
    """Return what the table shows of a row, in the order of HEAD."""
    if entry is None:
        return [row.name, f"{row.what}; floor: {row.floor}", NOT_YET, "", "", "", promise(row), "", "", ""]
    figures = [f"{shown(entry[who]['figure'])} {row.unit}" for who in ("floor", "ours")]
    cpu = NONE if entry["cpu_ratio"] is None else f"{entry['cpu_ratio']:.2f}"
    told = [f"{entry['ratio']:.2f}", cpu, promise(row), verdict(row, entry)]
    rounds = "once" if row.once else str(entry["rounds"])
    return [row.name, f"{row.what}; floor: {row.floor}", *figures, *told, rounds, f"{entry['spread']:.0%}"]


def promise(row: Row) -> str:
    """Say what is promised of ours, and of what it is said where that is not the ratio of the figures."""
    by = {"figure": "", "cpu": " CPU", "difference": f" {row.unit} more", "alone": " ours"}[row.by]
    return "" if row.bar is None else f"{'≥' if row.least else '≤'} {row.bar:g}{by}"


def verdict(row: Row, entry: Entry) -> str:
    """Say whether the bar is met, and that too few rounds or an unsteady floor say little; a row may have no bar."""
    said = "met" if row.holds(entry["judged"]) else "missed"
    if row.bar is None:
        said = "stated"
    elif entry["rounds"] < ENOUGH and not row.once:
        said = "too few rounds"
    return said + (", unsteady" if entry["spread"] > UNSTEADY else "")
