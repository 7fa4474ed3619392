"""`klientela bench`: race ours against the floor, and print the table."""

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from statistics import median

import structlog

from bench.machine import Description, describe
from bench.race import UNSTEADY, Outcome, Row, run, shown
from bench.rows import ROWS
from bench.track import Track
from klientela.tables import number, table, terminal


def main() -> int:
    """Race the rows that were named, or all; 0 when all bars are met."""
    asked = arguments()
    logging.disable()  # what clients say while servers start is no news here
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    if asked.list:
        for row in ROWS.values():
            print(f"{row.name:22} {row.what}; floor: {row.floor}")
        return 0
    machine = describe()
    say(str(machine))
    outcomes = asyncio.run(race([ROWS[name] for name in asked.rows or ROWS], asked.rounds))
    if asked.json:
        print(json.dumps({"machine": machine._asdict(), "rows": [outcome.as_json() for outcome in outcomes]}))
    else:
        show(machine, outcomes)
    return 0 if all(outcome.holds for outcome in outcomes) else 1


async def race(rows: Sequence[Row], number_of_rounds: int) -> list[Outcome]:
    """Race one row after the other."""
    async with AsyncExitStack() as stack:
        track = Track(stack)
        return [await run(row, track, number_of_rounds, say) for row in rows]


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="klientela bench", description=__doc__)
    parser.add_argument(
        "rows", nargs="*", metavar="ROW", type=row_name, help="rows of the table; all if none, for hours"
    )
    parser.add_argument("--rounds", type=rounds, default=5, help="rounds that count, after one to warm up (5)")
    parser.add_argument("--json", action="store_true", help="print JSON for machines on stdout")
    parser.add_argument("--list", action="store_true", help="say which rows there are, and end")
    return parser.parse_args()


def rounds(text: str) -> int:
    """Return a number of rounds. Raises ArgumentTypeError for none."""
    if not text.isdigit() or not int(text):
        message = "at least one round"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def row_name(text: str) -> str:
    """Return the name of a row. Raises ArgumentTypeError for what is none."""
    if text not in ROWS:
        message = f"there is no row {text}; --list says which there are"
        raise argparse.ArgumentTypeError(message)
    return text


def show(machine: Description, outcomes: Sequence[Outcome]) -> None:
    """Print the table, and which floors were unsteady."""
    console = terminal(markup=True)
    console.print(str(machine))
    lines = table("row", "unit", *map(number, ("floor", "ours", "ratio", "CPU ratio", "bar")), "")
    for outcome in outcomes:
        floor, ours = (median(lap.figure for lap in laps) for laps in (outcome.floor, outcome.ours))
        cells = (shown(floor), shown(ours), f"{outcome.ratio:.2f}", f"{outcome.cpu_ratio:.2f}")
        lines.add_row(outcome.row.name, outcome.row.unit, *cells, promise(outcome.row), verdict(outcome))
    console.print(lines)
    for outcome in outcomes:
        if outcome.spread > UNSTEADY:
            console.print(
                f"{outcome.row.name}: the floor itself varied by {outcome.spread:.0%}; run it again in quiet."
            )


def promise(row: Row) -> str:
    """Say what is promised of ours, and of what it is said where that is not the ratio of the figures."""
    by = {"figure": "", "cpu": " CPU", "difference": " more", "alone": " ours"}[row.by]
    return "" if row.bar is None else f"{'≥' if row.least else '≤'} {row.bar:g}{by}"


def verdict(outcome: Outcome) -> str:
    """Say whether the bar is met; nothing of a row that has none."""
    if outcome.row.bar is None:
        return ""
    return "[green]met[/]" if outcome.holds else "[bold red]missed[/]"


def say(text: str) -> None:
    """Progress, on stderr: stdout belongs to the table."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
