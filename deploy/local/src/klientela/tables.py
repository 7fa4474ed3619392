"""Tables for people: without lines between columns, so that they fit into a terminal of 80 columns."""

import os
import sys

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

UNBROKEN = 1_000
"""Columns that no line of ours reaches."""


def table(*columns: Column | str) -> Table:
    """An empty table; what is too long for its column goes on in the next line and is never cut."""
    made = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for column in made.columns:
        column.overflow = "fold"
    return made


def number(header: str) -> Column:
    """A column of numbers, flush right."""
    return Column(header, justify="right", no_wrap=True)


def terminal(*, markup: bool = False) -> Console:
    """Stdout, which shows texts as they are; lines that go into a file or another program are not broken."""
    has_width = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(highlight=False, markup=markup, width=None if has_width else UNBROKEN)


def indented(console: Console, text: Text | str, columns: int) -> None:
    """A text that goes on in the column where it began."""
    console.print(Padding(text, (0, 0, 0, columns), expand=False))
