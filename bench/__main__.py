"""`klientela bench`: race ours against the floor, and print the table."""

import argparse
import asyncio
import json
import logging
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import structlog
from uvicorn.loops.auto import auto_loop_factory

from bench.book import BOOK, HEAD, Entry, cells, entry_of, keep
from bench.machine import IN_MEMORY, describe
from bench.race import Outcome, Row, run
from bench.rows import ROWS
from bench.share import SHARE, VARIABLE, say
from bench.track import Track
from klientela.tables import number, table, terminal


def main() -> int:
    """Race the rows that were named, or all, and tell of each as it ends; 0 when none failed and all bars are met."""
    asked = arguments()
    logging.disable()  # what clients say while servers start is no news here
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    if asked.list:
        for row in ROWS.values():
            print(f"{row.name:22} {row.what}; floor: {row.floor}")
        return 0
    machine, began = describe(), datetime.now(UTC)
    say(str(machine))
    if machine.filesystem in IN_MEMORY:
        say(f"THE SERVERS' FOLDER IS IN MEMORY ({machine.filesystem}): commits cost nothing there. Set TMPDIR.")
    entries: list[Entry] = []

    def tell(outcome: Outcome) -> None:
        entries.append(entry := entry_of(outcome, machine, began))
        say(" | ".join(filter(None, cells(outcome.row, entry)[:1] + cells(outcome.row, entry)[2:])))
        if asked.json:
            print(json.dumps(entry), flush=True)
            if SHARE == 1:
                keep(entry, asked.book)

    failed: list[str] = []
    try:
        with asyncio.Runner(loop_factory=auto_loop_factory(use_subprocess=False)) as loop:  # as services have it
            loop.run(race([ROWS[name] for name in asked.rows or ROWS], asked.rounds, tell, failed))
    finally:
        if not asked.json:
            show(str(machine), entries, failed)
    return 0 if not failed and all(entry["holds"] for entry in entries) else 1


async def race(rows: Sequence[Row], rounds: int, tell: Callable[[Outcome], None], failed: list[str]) -> None:
    """Race one row after the other; one that fails is told, and the next one has servers of its own.

    SIGTERM ends it as Ctrl-C does: all that was started is stopped.
    """
    track = Track()
    if task := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        for row in rows:
            try:
                tell(await run(row, track, rounds, say))
            except Exception:  # noqa: BLE001 - whatever it is, hours of other rows are not to be lost
                failed.append(row.name)
                say(f"{row.name} FAILED\n{traceback.format_exc()}")
                await close(track)
    finally:
        await close(track)


async def close(track: Track) -> None:
    """End what a track has; what cannot be ended is told, and hides nothing."""
    try:
        await track.close()
    except Exception:  # noqa: BLE001 - see above
        say(traceback.format_exc())


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="klientela bench", description=__doc__)
    parser.add_argument(
        "rows", nargs="*", metavar="ROW", type=row_name, help="rows of the table; all if none, for hours"
    )
    parser.add_argument(
        "--rounds", type=number_of_rounds, default=5, help="rounds that count, after one to warm up (5)"
    )
    parser.add_argument(
        "--json", action="store_true",
        help=f"print a line of JSON for each row as it ends, and keep it in the book (none with {VARIABLE})",
    )  # fmt: skip
    parser.add_argument("--book", type=Path, default=BOOK, help="where lines are kept (docs/performance.jsonl)")
    parser.add_argument("--list", action="store_true", help="say which rows there are, and end")
    return parser.parse_args()


def number_of_rounds(text: str) -> int:
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


def show(machine: str, entries: Sequence[Entry], failed: Sequence[str]) -> None:
    """Print the table without rounds and spreads, which were told as rows ended; and which rows failed."""
    console = terminal()
    console.print(machine)
    lines = table(HEAD[0], *map(number, HEAD[2:7]), HEAD[7])
    for entry in entries:
        row, _, *others = cells(ROWS[entry["row"]], entry)
        lines.add_row(row, *others[:6])
    console.print(lines)
    for name in failed:
        console.print(f"{name} failed")


if __name__ == "__main__":
    sys.exit(main())
