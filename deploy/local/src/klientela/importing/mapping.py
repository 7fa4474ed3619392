"""How lines of invoices become orders. Pure: rows in, orders and rejected rows out.

- One invoice is one order, dated by its earliest line; the file's times are taken as UTC; it was paid at that time.
- "C…" is a refund without reference: its quantities are below zero, and so is its total.
- "A…" adjusts the books and is no sale: rejected.
- In other invoices a line with a quantity of 0 or less, or a price below 0, is rejected; price 0 and repeats stay.
- A customer's number makes the buyer's identity; an invoice without one is an order without client.
- An invoice belongs to the first customer that one of its accepted lines names; a line that names another is rejected.
- A "C…" line that gives nothing back (quantity of 0 or more, or a price below 0) is rejected: it would be a sale.
- The revision is the time of the invoice's latest line, so that the same file always says the same.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from klientela.importing.source import Row

ZERO = Decimal(0)
LONGEST_NUMBER, LONGEST_TEXT = 300, 2_000
MOST_LINES = 3_000
"""An event may have 512 kB, and a line of an order needs some 130 bytes there, its name not counted."""
NUMBER = re.compile(r"[+-]?[0-9]{1,9}(?:\.[0-9]{1,6})?")
PLACES, FINEST = 6, Decimal("0.000001")
"""Decimal places that money may have anywhere in the suite, and its smallest amount."""
FLOATED = re.compile(r"([0-9]+)\.0+")
"""A whole number that a spreadsheet took for a fraction: 17850.0."""
DATES = ("%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M")
"""Beside ISO 8601: with dots day.month.year, with slashes month/day/year, as the published history has them."""


class BadLine(ValueError):
    """Why a line is rejected, in words for its sender."""


class Item(NamedTuple):
    """One accepted line."""

    sku: str
    name: str
    quantity: Decimal
    unit_price: Decimal


class Rejected(NamedTuple):
    """A row that belongs to no order, and why."""

    row: Row
    reason: str


class Line(NamedTuple):
    """An accepted row as values."""

    item: Item
    total: Decimal
    at: datetime
    customer: str
    country: str


@dataclass(slots=True)
class Invoice:
    """One invoice as an order: of kind refund when it gives money back."""

    number: str
    placed_at: datetime
    revised_at: datetime
    customer: str = ""
    country: str = ""
    total: Decimal = ZERO
    items: list[Item] = field(default_factory=list)

    @property
    def is_refund(self) -> bool:
        """Whether it gives back what some other invoice sold; it does not say which."""
        return is_refund(self.number)

    def add(self, line: Line) -> None:
        """Take a line in. Raises BadLine when it is another customer's, or one too many."""
        if self.customer and line.customer and line.customer != self.customer:
            raise BadLine(f"the invoice belongs to customer {self.customer}, and this line names another one")
        if len(self.items) == MOST_LINES:
            raise BadLine(f"an order can have {MOST_LINES} lines at the most")
        self.customer = self.customer or line.customer
        self.country = self.country or line.country
        self.placed_at = min(self.placed_at, line.at)
        self.revised_at = max(self.revised_at, line.at)
        self.total += line.total
        self.items.append(line.item)


@dataclass(slots=True)
class Survey:
    """What a first look at a file tells: how many rows there are, and where each invoice ends."""

    lines: int = 0
    ends: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[Row]) -> "Survey":
        """Look through all rows; the lines of an invoice may lie anywhere in the file."""
        survey = cls()
        for row in rows:
            survey.lines += 1
            if number := row.invoice:
                survey.ends[number] = row.line
        return survey


def map_rows(rows: Iterable[Row], ends: Mapping[str, int], *, comma: bool = False) -> Iterator[Invoice | Rejected]:
    """Turn rows into orders, each given out as soon as its last row was seen, and into rejected rows.

    `comma` says that decimals are written the Czech way, as in files divided by semicolons.
    """
    begun: dict[str, Invoice] = {}
    for row in rows:
        number = row.invoice
        try:
            line = read_line(row, comma=comma)
            invoice = begun.get(number) or Invoice(number, line.at, line.at)
            invoice.add(line)
            begun[number] = invoice
        except BadLine as bad:
            yield Rejected(row, str(bad))
        if ends.get(number) == row.line and number in begun:
            yield begun.pop(number)


def is_refund(number: str) -> bool:
    """Whether an invoice's number says that it gives money back."""
    return number[:1] in {"C", "c"}


def read_line(row: Row, *, comma: bool) -> Line:
    """Read one row. Raises BadLine."""
    if not row.complete:
        raise BadLine(f"it has {len(row.cells)} cells, not as many as the heading")
    number, sku, name, quantity_text, date, price_text, customer, country = row.cells
    number = number.strip()
    check_texts(row, number)
    quantity, price, total = read_amounts(quantity_text, price_text, is_refund(number), comma)
    item = Item(sku.strip(), name.strip(), quantity, price)
    return Line(item, total, read_date(date), customer_number(customer), country.strip())


def check_texts(row: Row, number: str) -> None:
    """Refuse what no database can hold, and rows of no invoice."""
    if not number:
        raise BadLine("it has no InvoiceNo")
    if number[0] in {"A", "a"}:
        raise BadLine("it adjusts the books and is no sale")
    text = "".join(row.cells)
    if "\0" in text:
        raise BadLine("it holds a NUL character")
    if len(text) > LONGEST_TEXT and max(map(len, row.cells)) > LONGEST_TEXT:
        raise BadLine(f"it has a text of more than {LONGEST_TEXT} characters")
    if len(number) > LONGEST_NUMBER:
        raise BadLine(f"its InvoiceNo has more than {LONGEST_NUMBER} characters")


@lru_cache(maxsize=65_536)
def read_amounts(
    quantity_text: str,
    price_text: str,
    gives_back: bool,  # noqa: FBT001 - a cache of positional arguments is the quick one
    comma: bool,  # noqa: FBT001 - as above
) -> tuple[Decimal, Decimal, Decimal]:
    """Read quantity and price; return them and their product, all exact. Raises BadLine."""
    read = decimal_comma if comma else decimal_point
    quantity, price = read("Quantity", quantity_text), read("UnitPrice", price_text)
    total = quantity * price
    if price < 0:
        raise BadLine("its price is below zero")
    if gives_back and quantity >= 0:
        raise BadLine("a cancellation gives back, so its quantity should be below zero")
    if not gives_back and quantity <= 0:
        raise BadLine("its quantity is not above zero")
    exact = total.quantize(FINEST) if -int(total.as_tuple().exponent) > PLACES else total
    if exact != total:
        raise BadLine(f"its sum has more than {PLACES} decimal places")
    return quantity, price, exact


def decimal_point(column: str, text: str) -> Decimal:
    """Read an exact number such as -1234.5. Raises BadLine."""
    tidy = text.strip()
    if not NUMBER.fullmatch(tidy):
        raise BadLine(f"its {column} is no number that can be an amount")
    return Decimal(tidy)


def decimal_comma(column: str, text: str) -> Decimal:
    """Read an exact number such as -1 234,5; one with a point is read too. Raises BadLine."""
    return decimal_point(column, "".join(text.split()).replace(",", "."))


@lru_cache(maxsize=4_096)
def read_date(text: str) -> datetime:
    """Read the local time of a file, to the second, as UTC; one with an offset is moved there. Raises BadLine."""
    tidy = text.strip()
    try:
        at = datetime.fromisoformat(tidy)
    except ValueError:
        at = read_other_date(tidy)
    try:
        return (at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)).replace(microsecond=0)
    except OverflowError:
        raise BadLine("its InvoiceDate is out of range") from None


def read_other_date(tidy: str) -> datetime:
    """Read a date that is not written as ISO 8601 says. Raises BadLine."""
    for form in DATES:
        try:
            return datetime.strptime(tidy, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise BadLine("its InvoiceDate is no date and time")


@lru_cache(maxsize=65_536)
def customer_number(text: str) -> str:
    """Return a customer's number without the trace of a spreadsheet."""
    tidy = text.strip()
    whole = FLOATED.fullmatch(tidy)
    return whole[1] if whole else tidy
