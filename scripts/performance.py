"""The table of docs/performance.md and its plots, from the newest figures of each row."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from bench.book import ENOUGH, HEAD, Entry, cells, newest
from bench.machine import Description
from bench.race import Row
from bench.rows import ROWS
from scripts.markers import filled
from scripts.plots import bars, line

FOLDER = "docs/plots"
MEMBERS = ("two-consumers", "three-consumers")
TEXTS = 2
"""Columns of the table that are no numbers."""


def page(text: str, book: Path, rows: Mapping[str, Row] = ROWS) -> str:
    """Return the page with the table that its book gives now, where it was measured, and whose CPU that is."""
    entries = newest(rows, book)
    plots = [f"![{Path(name).stem}](plots/{name})" for name in drawn(book, rows)]
    table = [HEAD, ["---"] * TEXTS + ["---:"] * (len(HEAD) - TEXTS)]
    table += [cells(row, entries.get(row.name)) for row in rows.values()]
    lines = ["| " + " | ".join(each) + " |" for each in table]
    parts = (lines, measured(entries.values()), counted(rows.values()), plots)
    return filled(text, "\n\n".join("\n".join(part) for part in parts if part))


def measured(entries: Iterable[Entry]) -> list[str]:
    """Say when, with which commit and on what rows were measured."""
    found: dict[str, list[str]] = {}
    for entry in entries:
        place = f"{entry['date']}, commit {entry['commit'] or 'unknown'}, {Description(**entry['machine'])}"
        found.setdefault(place, []).append(entry["row"])
    return [f"- {', '.join(names)}: {place}" for place, names in found.items()]


def counted(rows: Iterable[Row]) -> list[str]:
    """Say whose CPU is counted."""
    groups = groupby(sorted(rows, key=lambda row: row.cpu_of), key=lambda row: row.cpu_of)
    return [f"- CPU of {whose}: {', '.join(row.name for row in mine)}" for whose, mine in groups if whose]


def drawn(book: Path, rows: Mapping[str, Row] = ROWS) -> dict[str, str]:
    """Return the plots of all rows that have figures, by the names of their files."""
    entries = newest(rows, book)
    found = {f"{name}.svg": plot(row, entries[name]) for name, row in rows.items() if name in entries}
    if all(name in entries for name in MEMBERS):
        points = [(1.0, 1.0), *((number, entries[name]["ratio"]) for number, name in enumerate(MEMBERS, 2))]
        found["scaling.svg"] = line("scaling: times the events/s of one process, by processes", points)
    return found


def plot(row: Row, entry: Entry) -> str:
    """Return a row's plot: how it came about where that is known, else ours beside the floor."""
    series: Sequence[tuple[float, float]] = entry["ours"]["series"]
    title = f"{row.name}, {row.unit}" + ("" if row.once or entry["rounds"] >= ENOUGH else " (too few rounds)")
    return line(title, series) if series else bars(title, entry["floor"]["figure"], entry["ours"]["figure"])
