"""One pass through a file: letters come out, everything is counted, rejected rows are written down."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TextIO

from klientela.errors import Refusal
from klientela.importing.mapping import Invoice, Rejected, Survey, map_rows
from klientela.importing.source import COLUMNS, SourceFile
from klientela.importing.telling import Telling
from klientela.importing.wire import Letter, letter_of
from klientela.sheet import RowWriter, Sheet


@dataclass(slots=True)
class Tally:
    """What a file holds: `lines` are all below the heading, the rejected ones among them."""

    lines: int = 0
    orders: int = 0
    refunds: int = 0
    rejected: int = 0
    revenue: Decimal = Decimal(0)

    @property
    def invoices(self) -> int:
        """Orders and refunds, which are orders too."""
        return self.orders + self.refunds

    def count(self, invoice: Invoice) -> None:
        """Count one order."""
        self.revenue += invoice.total
        if invoice.is_refund:
            self.refunds += 1
        else:
            self.orders += 1


@dataclass(slots=True)
class History:
    """A file that was looked through once; `letters` reads it a second time."""

    source: SourceFile
    survey: Survey
    tally: Tally

    @classmethod
    def of(cls, path: Path) -> "History":
        """Look through a file. Raises Refusal when it cannot be read to its end: then nothing was sent."""
        source = SourceFile.recognise(path)
        survey = Survey.of(source.rows())
        return cls(source, survey, Tally(lines=survey.lines))

    def letters(self, telling: Telling, rejects: RowWriter) -> Iterator[Letter]:
        """Give out the orders, in the order in which they end, and write down what is rejected."""
        comma = self.source.delimiter == ";"
        for mapped in map_rows(self.source.rows(), self.survey.ends, comma=comma):
            if isinstance(mapped, Rejected):
                self.tally.rejected += 1
                rejects.writerow([mapped.row.line, mapped.reason, *mapped.row.cells])
            else:
                self.tally.count(mapped)
                if letter := letter_of(mapped, telling):
                    yield letter


def rejects_file(path: Path, source: Path) -> TextIO:
    """Open the file of rejected rows, readable by its owner only, for they are a shop's own data.

    It is left as it was until rows are written anew: what is refused before leaves those of the last run alone.
    Raises Refusal where it cannot be, or is the source itself.
    """
    if path.exists() and path.samefile(source):
        raise Refusal(f"The rejected rows would take the place of the history itself: {path}. Name another file.")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        if is_regular(descriptor):
            os.fchmod(descriptor, 0o600)
    except OSError as error:
        raise Refusal(f"The rejected rows cannot be written to {path}: {error.strerror}.") from error
    return os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="")  # a spreadsheet asks for the mark


def written_anew(file: TextIO, source: SourceFile) -> RowWriter:
    """Empty the file of rejected rows and begin it again with its heading.

    It is divided as the history is, for that also says how numbers are written, and rows are mended and imported again.
    """
    if is_regular(file.fileno()):
        file.truncate(0)
    writer = Sheet(file, source.delimiter)
    writer.writerow(["Line", "Reason", *COLUMNS])
    return writer


def is_regular(descriptor: int) -> bool:
    """Whether it is a file of its own, and no pipe or device that is neither emptied nor anybody's alone."""
    return stat.S_ISREG(os.fstat(descriptor).st_mode)
