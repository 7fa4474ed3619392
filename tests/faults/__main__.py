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
from datetime import datetime

from rich.console import Console

from klientela.layout import PROJECT
from klientela.tables import number, table
from tests.faults.asked import arguments
from tests.faults.book import BOOK, HEAD, WRONG, BadBook, Line, Present, entry_of, lines, open_for_writing, read, write
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
    rows = [ROWS[name] for name in asked.rows or ROWS]
    if asked.list:
        name_rows(rows, as_json=asked.json)
        return 0
    code, sound = 0, True
    try:
        read(BOOK, asked.book)
        if not asked.table:
            open_for_writing(asked.book)
            sound = asyncio.run(strike(rows, asked))
    except Ended as ended:
        say("All that was started is stopped; the run that was under way is not in the book.")
        code = ended.code
    except BadBook as refusal:
        say(str(refusal))
        return refusal.code
    except NoMachine as refusal:
        say(str(refusal))
        code = refusal.code
    found = lines(rows, read(BOOK, asked.book))
    show(found, as_json=asked.json)
    return code or int(not sound or any(sum(line.counts) for line in found))


class Ended(Exception):
    """Somebody asked the command to end, by a signal that its exit code names."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.code = 128 + number


async def strike(rows: Sequence[Row], asked: argparse.Namespace) -> bool:
    """Run rows one after the other on one PostgreSQL and one Kafka. Raises Ended where a signal says so."""
    sound, theatre, signals = True, Theatre(), end_by_signals()
    try:
        for row in rows:
            if row.for_root and os.geteuid():
                say(f"{row.name}: not struck, because it mounts a file system, which root alone may")
            else:
                sound = await strike_row(theatre, row, asked) and sound
    except asyncio.CancelledError:
        if signals:
            raise Ended(signals[0]) from None
        raise
    finally:
        await theatre.close()
    return sound


def end_by_signals() -> Sequence[signal.Signals]:
    """Have Ctrl-C or SIGTERM cancel this task, which stops what it has started; more of them change nothing.

    Returns which have come, as they come.
    """
    loop, task, come = asyncio.get_running_loop(), asyncio.current_task(), list[signal.Signals]()

    def end(number: signal.Signals) -> None:
        come.append(number)
        if task and len(come) == 1:
            say(f"{number.name}: all that was started is being stopped")
            task.cancel()

    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, end, each)
    return come


def is_ending() -> bool:
    """Tell whether this task was cancelled, also where another error has taken the place of that.

    A transaction of asyncpg that is cancelled within a statement fails as it rolls back, and says that instead.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def strike_row(theatre: Theatre, row: Row, asked: argparse.Namespace) -> bool:
    """Run one row until it has struck as often as asked; say what each run came to. What fails ends the row.

    A seed with which the fault did not take place is passed over; too many of them, one after the other, end the row.
    """
    known = [entry for entry in read(BOOK, asked.book) if entry.row == row.name]
    seed = max((entry.seed for entry in known), default=-1) + 1 if asked.seed is None else asked.seed
    wanted = getattr(row, asked.until) - sum(entry.times for entry in known) if asked.until else asked.times or 1
    struck = missed = 0
    while struck < wanted and missed < MISSES:
        began, present = time.monotonic(), Present.of(row)
        say(f"{row.name} --seed {seed} is struck, since {datetime.now().astimezone():%H:%M:%S}")
        outcome = await strike_once(theatre, row, seed)
        if is_ending():
            raise asyncio.CancelledError
        tell(f"{row.name} --seed {seed}", row.unit, outcome, time.monotonic() - began)
        write(entry_of(row, seed, outcome, present), asked.book)
        if any(outcome.verdict.counts):
            with suppress(Exception):  # a suite that is as it should not be may not be stopped as it should be
                await theatre.close()
            return False
        struck, missed, seed = struck + outcome.times, 0 if outcome.times else missed + 1, seed + 1
    return missed < MISSES


async def strike_once(theatre: Theatre, row: Row, seed: int) -> Outcome:
    """Run a row once. Raises NoMachine; whatever else does not end well is stuck, but where all is to end."""
    try:
        async with theatre.lend(fresh=row.fresh, bare=row.bare) as stage:
            return await row.strike(stage, Draw(row.name, seed))
    except Exception as error:
        if is_ending():
            raise asyncio.CancelledError from error
        if isinstance(error, NoMachine):
            raise
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
    wrong = ", ".join(f"{count} {kind}" for count, kind in zip(outcome.verdict.counts, WRONG, strict=True))
    recovered = "".join(f", recovered in {each:.1f} s" for each in outcome.recovery)
    came_to = f"{times(outcome.times, unit)}, {wrong}{recovered}" if outcome.times else "not struck"
    say(f"{run}: {came_to} ({seconds:.0f} s in all)")
    if outcome.struck:
        say(f"  struck: {'; '.join(outcome.struck)}")
    for reason in outcome.verdict.reasons[:10]:
        say(f"  {reason}")


def times(number: int, unit: str) -> str:
    """Say how many there are of a unit, which is a word in the plural.

    >>> times(1, "faults"), times(5, "joins")
    ('1 fault', '5 joins')
    """
    return f"{number:,} {unit if number != 1 else unit.removesuffix('s')}"


def say(text: str) -> None:
    """Tell a person how it goes."""
    print(text, file=sys.stderr, flush=True)


def name_rows(rows: Sequence[Row], *, as_json: bool) -> None:
    """Say what rows there are."""
    if as_json:
        told = ("name", "what", "enough", "goal", "unit")
        print(json.dumps([{name: getattr(row, name) for name in told} for row in rows]))
        return
    for row in rows:
        print(f"{row.name:22} {row.what}; {row.enough:,} {row.unit} are enough, {row.goal:,} the goal")


def show(found: Sequence[Line], *, as_json: bool) -> None:
    """Print the table as it stands in the book for the present chassis."""
    if as_json:
        print(json.dumps([line.said for line in found]))
        return
    shown = table(HEAD[0], *(number(head.replace(" ", "\n")) for head in HEAD[3:]))
    shown.padding = 0  # nine columns of numbers, and names that are not to be broken, in a terminal of 80
    for line in found:
        name, _, unit, runs, counted, *cells = line.cells
        shown.add_row(name, runs, counted if unit == "faults" else f"{counted}\n{unit}", *cells)
    Console(highlight=False).print(shown)


if __name__ == "__main__":
    sys.exit(main())
