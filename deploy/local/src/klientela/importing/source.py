"""The file to import: plain or gzip, in the encoding and with the delimiter that it turns out to have."""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import IO, NamedTuple, cast

from klientela.errors import Refusal
from klientela.sheet import meant

COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
DELIMITERS = (",", ";", "\t")
GZIP, ZIP, UTF_16 = b"\x1f\x8b", b"PK\x03\x04", (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
CHUNK = 1 << 20
ASCII = bytes(range(128))
CZECH = frozenset("ěščřžďťňůĚŠČŘŽĎŤŇŮ".encode("cp1250"))
"""Letters that stand elsewhere in latin-1; those of both, such as á, tell nothing."""


class Row(NamedTuple):
    """One record of the file, counted by the line it begins on; `complete` ones have their cells as in COLUMNS."""

    line: int
    cells: Sequence[str]
    complete: bool

    @property
    def invoice(self) -> str:
        """The number of the invoice that the line belongs to; empty when there is none to be read."""
        return self.cells[0].strip() if self.complete else ""


@dataclass(frozen=True)
class SourceFile:
    """A file of invoice lines whose heading was understood; it may be read as often as needed."""

    path: Path
    encoding: str
    delimiter: str
    positions: tuple[int, ...]
    width: int

    @classmethod
    def recognise(cls, path: Path) -> "SourceFile":
        """Find out how to read a file. Raises Refusal with the reason why it cannot be read."""
        with reading(path):
            encoding = encoding_of(path)
            with open_text(path, encoding) as text:
                heading = text.readline(CHUNK)
        if not heading.strip():
            raise Refusal(f"{path} is empty or begins with an empty line. It needs a heading: {', '.join(COLUMNS)}.")
        delimiter = max(DELIMITERS, key=heading.count)
        names = next(csv.reader([heading], delimiter=delimiter))
        return cls(path, encoding, delimiter, positions_of(path, names), len(names))

    @property
    def name(self) -> str:
        """The file's name without its endings."""
        return self.path.name.removesuffix(".gz").removesuffix(".csv")

    def rows(self) -> Iterator[Row]:
        """Read all records below the heading; empty lines are none."""
        pick = itemgetter(*self.positions)
        with reading(self.path), open_text(self.path, self.encoding) as text:
            reader = csv.reader(text, delimiter=self.delimiter)
            next(reader)
            line = reader.line_num + 1
            for cells in (list(map(meant, written)) for written in reader):
                if len(cells) == self.width:
                    yield Row(line, pick(cells), complete=True)
                elif cells:
                    yield Row(line, cells, complete=False)
                line = reader.line_num + 1


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong with a file into a sentence."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Refusal(f"{path} ends too early or is damaged: it cannot be unpacked ({error}).") from error
    except csv.Error as error:
        raise Refusal(f"{path} is not a readable csv file: {error}. Is a quotation mark left open?") from error
    except OSError as error:
        raise Refusal(f"{path} cannot be read: {error.strerror or error}.") from error


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file, unpacking it when its content (not its name) is gzip."""
    with path.open("rb") as file:
        packed = file.read(len(GZIP)) == GZIP
    return cast("IO[bytes]", gzip.open(path, "rb")) if packed else path.open("rb")


def open_text(path: Path, encoding: str) -> IO[str]:
    """Open a file as text with the line ends that csv wants."""
    return io.TextIOWrapper(open_bytes(path), encoding=encoding, newline="")


def encoding_of(path: Path) -> str:
    """Return UTF-8 if all of the file is, else the code page that its letters speak for."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    seen: set[int] = set()
    is_utf8 = True
    with open_bytes(path) as file:
        beginning = file.read(CHUNK)
        refuse_other_formats(path, beginning)
        chunk = beginning
        while chunk:
            seen.update(chunk.translate(None, ASCII))
            try:
                is_utf8 = is_utf8 and decoder.decode(chunk) is not None
            except UnicodeDecodeError:
                is_utf8 = False
            chunk = file.read(CHUNK)
    if is_utf8 and not decoder.getstate()[0]:
        return "utf-8-sig"
    return code_page(seen)


def code_page(seen: set[int]) -> str:
    """Tell cp1250 from latin-1 by the bytes of a text: by Czech letters that only the first has there."""
    undefined_in_cp1250 = {0x81, 0x83, 0x88, 0x90, 0x98}
    return "cp1250" if seen & CZECH and not seen & undefined_in_cp1250 else "latin-1"


def refuse_other_formats(path: Path, beginning: bytes) -> None:
    """Say plainly what cannot be imported yet."""
    if beginning.startswith(ZIP) or path.suffix.lower() in {".xlsx", ".xls"}:
        raise Refusal(f"{path} is a workbook, and workbooks are not read yet. Save the sheet as csv and import that.")
    if beginning.startswith(UTF_16):
        raise Refusal(f"{path} is in UTF-16. Save it as csv in UTF-8 and import that.")


def positions_of(path: Path, names: Sequence[str]) -> tuple[int, ...]:
    """Find the columns by their names, whatever their order, case and spaces."""
    found: dict[str, int] = {}
    for position, name in enumerate(names):
        key = plain(name)
        if key in found and key in {plain(column) for column in COLUMNS}:
            raise Refusal(f"{path} has two columns {name.strip()}. Leave only the one to import.")
        found[key] = position
    missing = [column for column in COLUMNS if plain(column) not in found]
    if missing:
        raise Refusal(
            f"{path} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}. "
            f"An order history has {', '.join(COLUMNS)}, divided by commas or semicolons."
        )
    return tuple(found[plain(column)] for column in COLUMNS)


def plain(name: str) -> str:
    """A column's name as it is compared."""
    return "".join(name.replace("_", " ").split()).casefold()
