"""Sheets that people open: what somebody else wrote into a cell is never a formula there (OWASP ASVS 5.0, 1.2.10).

An apostrophe before it makes a spreadsheet show it as it is. Plain numbers stay numbers, negative ones too. One that
divides by another sign than ours, as the settings of its machine say, begins a cell inside of one of ours: an
apostrophe stands there as well.
"""

import csv
import re
from collections.abc import Sequence
from typing import Protocol, TextIO

BEGINS = r"(?:\A|(?<=[;,\t\r\n]))"
"""Where a cell begins, whatever it is divided by."""
LEAD = r"""(?:['"]|[^\S\t\r\n])*"""
"""What may stand before a formula; apostrophes are counted in, so that ``meant`` finds all its own."""
FORMULA = rf"(?={LEAD}[=+\-@\0＝＋－＠])"  # noqa: RUF001 - the full-width forms are taken for the others
BLANK = rf"(?={LEAD}[\t\r\n])"
BARE = re.compile(rf"{BEGINS}{FORMULA}|\A{BLANK}")
GUARDED = re.compile(rf"{BEGINS}'{FORMULA}|\A'{BLANK}")
NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")


class RowWriter(Protocol):
    """Writes rows of a sheet."""

    def writerow(self, row: Sequence[object], /) -> object:
        """Write one row."""


class Sheet:
    """The one writer of separated values, all in quotes; whatever is no formula stays as it is."""

    def __init__(self, file: TextIO, delimiter: str = ";") -> None:
        """Write to an open file; a semicolon is what a Czech spreadsheet divides by."""
        self._writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)

    def writerow(self, row: Sequence[object], /) -> None:
        """Write one row."""
        self._writer.writerow([shown(str(cell)) for cell in row])


def shown(text: str) -> str:
    """Return a cell that shows a text.

    >>> shown("=1+1"), shown("-5"), shown("Firma;=1+1"), shown("'t Hof")
    ("'=1+1", '-5', "Firma;'=1+1", "'t Hof")
    """
    return text if NUMBER.fullmatch(text) else BARE.sub("'", text)


def meant(cell: str) -> str:
    """Return the text that a cell shows: what ``shown`` was given.

    >>> meant("'=1+1"), meant("'t Hof")
    ('=1+1', "'t Hof")
    """
    if "'" not in cell:
        return cell
    text = GUARDED.sub("", cell)
    return text if shown(text) == cell else cell
