"""`klientela faults`: strike, judge, write the book, print the table."""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from klientela.layout import PROJECT
from klientela.tables import number, table
from tests.faults.book import BOOK, HEAD, OWN_BOOK, Line, Present, entry_of, lines, read, write
from tests.faults.judge import Verdict
from tests.faults.row import Draw, Outcome, Row, took_no_place
from tests.faults.rows import ROWS
from tests.faults.stage import NoMachine, Theatre

MISSES = 3
"""So many runs in a row whose fault did not take place are a row that does not work."""


def main() -> int:
    """Run the rows that were named, or all; 0 when they struck, and the table shows nothing that is not to be."""
    asked = arguments()
    logging.disable()  # clients of servers that are killed have much to say, which is no news here
    if asked.list:
        for row in ROWS.values():
            print(f"{row.name:22} {row.what}; {row.enough:,} {row.unit} are enough, {row.goal:,} the goal")
        return 0
    rows = [ROWS[name] for name in asked.rows or ROWS]
    try:
        sound = True if asked.table else asyncio.run(strike(rows, asked))
    except asyncio.CancelledError:
        sound = False
    except NoMachine as refusal:
        say(str(refusal))
        sound = False
    found = lines(rows, read(BOOK, asked.book))
    show(found, as_json=asked.json)
    return 0 if sound and not any(sum(line.counts) for line in found) else 1


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="klientela faults", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", type=row_name, help="rows of the table; all if none")
    parser.add_argument("--times", type=int, default=1, help="faults to add to each row (1: one run of it)")
    parser.add_argument("--until", choices=("enough", "goal"), help="add what each row still lacks of its number")
    parser.add_argument("--seed", type=int, help="run exactly from this seed on, also if it is in the book already")
    parser.add_argument("--json", action="store_true", help="print JSON for machines on stdout")
    parser.add_argument("--list", action="store_true", help="say which rows there are, and end")
    parser.add_argument("--table", action="store_true", help="print the table as it stands, and strike nothing")
    parser.add_argument("--book", type=Path, default=OWN_BOOK, help="where results are written, beside those published")
    return parser.parse_args()


def row_name(text: str) -> str:
    """Return the name of a row. Raises ArgumentTypeError for what is none."""
    if text not in ROWS:
        message = f"there is no row {text}; --list says which there are"
        raise argparse.ArgumentTypeError(message)
    return text


async def strike(rows: Sequence[Row], asked: argparse.Namespace) -> bool:
    """Run rows one after the other on one PostgreSQL and one Kafka."""
    stop_everything_when_ended()
    sound, theatre = True, Theatre()
    try:
        for row in rows:
            if row.for_root and os.geteuid():
                say(f"{row.name}: not struck, because it mounts a file system, which root alone may")
            else:
                sound = await strike_row(theatre, row, asked) and sound
    finally:
        await theatre.close()
    return sound


def stop_everything_when_ended() -> None:
    """Have SIGTERM cancel this task, which stops what it has started; more signals change nothing."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def end() -> None:
        loop.add_signal_handler(signal.SIGTERM, lambda: None)
        if task:
            task.cancel()

    loop.add_signal_handler(signal.SIGTERM, end)


async def strike_row(theatre: Theatre, row: Row, asked: argparse.Namespace) -> bool:
    """Run one row until it has struck as often as asked; say what each run came to. What fails ends the row.

    A seed with which the fault did not take place is passed over; too many of them, one after the other, end the row.
    """
    known = [entry for entry in read(BOOK, asked.book) if entry.row == row.name]
    seed = max((entry.seed for entry in known), default=-1) + 1 if asked.seed is None else asked.seed
    wanted = getattr(row, asked.until) - sum(entry.times for entry in known) if asked.until else asked.times
    struck = missed = 0
    while struck < wanted and missed < MISSES:
        began, present = time.monotonic(), Present.of(row)
        outcome = await strike_once(theatre, row, seed)
        write(entry_of(row, seed, outcome, present), asked.book)
        tell(f"{row.name} --seed {seed}", row.unit, outcome, time.monotonic() - began)
        if any(outcome.verdict.counts):
            with suppress(Exception):  # a suite that is as it should not be may not be stopped as it should be
                await theatre.close()
            return False
        struck, missed, seed = struck + outcome.times, 0 if outcome.times else missed + 1, seed + 1
    return missed < MISSES


async def strike_once(theatre: Theatre, row: Row, seed: int) -> Outcome:
    """Run a row once. Raises NoMachine; whatever else does not end well is stuck, whatever says so."""
    try:
        async with theatre.lend(fresh=row.fresh, bare=row.bare) as stage:
            return await row.strike(stage, Draw(row.name, seed))
    except NoMachine:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        if took_no_place(error):
            return Outcome(0, Verdict(reasons=reasons_of(error)))
        say("".join(traceback.format_exception(error)))
        verdict = Verdict()
        verdict.add("stuck", ["; ".join(reasons_of(error))])
        return Outcome(1, verdict)


def reasons_of(error: BaseException) -> list[str]:
    """Say what an error is, or each of a group of them."""
    if isinstance(error, BaseExceptionGroup):
        return [reason for each in error.exceptions for reason in reasons_of(each)]
    return [f"{type(error).__name__}: {error}".replace(f"{PROJECT}/", "")]


def tell(run: str, unit: str, outcome: Outcome, seconds: float) -> None:
    """Say what a run came to."""
    recovered = ", ".join(f"{each:.1f}" for each in outcome.recovery)
    numbers = "/".join(map(str, outcome.verdict.counts))
    came_to = f"{outcome.times} {unit}, {numbers}, recovered in {recovered or '-'} s" if outcome.times else "not struck"
    say(f"{run}: {came_to} ({seconds:.0f} s)")
    for reason in outcome.verdict.reasons[:10]:
        say(f"  {reason}")


def say(text: str) -> None:
    """Tell a person how it goes."""
    print(text, file=sys.stderr, flush=True)


def show(found: Sequence[Line], *, as_json: bool) -> None:
    """Print the table as it stands in the book for the present chassis."""
    if as_json:
        print(json.dumps([line.said for line in found]))
        return
    shown = table(HEAD[0], *(number(head.replace(" ", "\n")) for head in HEAD[3:]))
    shown.padding = 0  # nine columns of numbers, and names that are not to be broken, in a terminal of 80
    for line in found:
        name, _, _, *cells = line.cells
        shown.add_row(name, *cells)
    Console(highlight=False).print(shown)


if __name__ == "__main__":
    sys.exit(main())
