"""Sheets that people open: what somebody else wrote into a cell is never a formula there (OWASP ASVS 5.0, 1.2.10).

An apostrophe before it makes a spreadsheet show it as it is. Plain numbers stay numbers, negative ones too.
"""

import csv
import re
from collections.abc import Sequence
from typing import Protocol, TextIO

FORMULA = re.compile(r"'*\s*[=+\-@\t\r\n\0＝＋－＠]")  # noqa: RUF001 - the full-width forms are taken for the others
"""How a cell begins that a spreadsheet computes; apostrophes are counted in, so that ``meant`` finds all its own."""
NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")


class RowWriter(Protocol):
    """Writes rows of a sheet."""

    def writerow(self, row: Sequence[object], /) -> object:
        """Write one row."""


class Sheet:
    """The one writer of comma-separated values; whatever is no formula stays as it is."""

    def __init__(self, file: TextIO) -> None:
        """Write to an open file."""
        self._writer = csv.writer(file)

    def writerow(self, row: Sequence[object], /) -> None:
        """Write one row."""
        self._writer.writerow([shown(str(cell)) for cell in row])


def shown(text: str) -> str:
    """Return a cell that shows a text.

    >>> shown("=1+1"), shown("-5"), shown("-5+1"), shown("'t Hof")
    ("'=1+1", '-5', "'-5+1", "'t Hof")
    """
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text


def meant(cell: str) -> str:
    """Return the text that a cell shows: what ``shown`` was given.

    >>> meant("'=1+1"), meant("'t Hof")
    ('=1+1', "'t Hof")
    """
    return cell[1:] if cell.startswith("'") and shown(cell[1:]) == cell else cell
