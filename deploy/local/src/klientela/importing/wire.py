"""Orders as they travel: the canonical form of contract.md in batches, the same bytes for the same invoice."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from klientela.importing.mapping import Invoice
from klientela.importing.telling import Telling

MOST_ORDERS, MOST_BYTES = 500, 1_000_000
"""How much goes into one call: what the service takes, and a quarter of the bytes it would take."""
LONGEST_ORDER = 300_000
"""A longer one goes without the names of its items, so that its events stay below 512 kB."""


class Letter(NamedTuple):
    """One order ready to be sent, as a revision; `digest` tells whether the very same was sent before."""

    number: str
    revision: datetime
    digest: str
    body: bytes


class Batch(NamedTuple):
    """What goes into one call."""

    letters: list[Letter]

    @property
    def body(self) -> bytes:
        """The body of the call."""
        return b'{"orders":[' + b",".join(letter.body for letter in self.letters) + b"]}"


def letter_of(invoice: Invoice, telling: Telling) -> Letter | None:
    """Write one invoice as an order that was paid at its date, or was never paid if it is taken back.

    There is no letter if there is nothing to tell.
    """
    revision = telling.revision(invoice)
    if revision is None:
        return None
    body = written(invoice, telling, revision, named=True)
    if len(body) > LONGEST_ORDER:
        body = written(invoice, telling, revision, named=False)
    return Letter(invoice.number, revision, sha256(body).hexdigest()[:32], body)


def written(invoice: Invoice, telling: Telling, revision: datetime, *, named: bool) -> bytes:
    """The order as JSON, with or without the names of its items."""
    order: dict[str, Any] = {
        "external_id": invoice.number,
        "revision": moment(revision),
        "number": invoice.number,
        "kind": "refund" if invoice.is_refund else "order",
        "state": telling.state,
        "placed_at": moment(invoice.placed_at),
        "paid_at": moment(invoice.placed_at) if telling.state == "paid" else None,
        "currency": telling.currency_of(invoice.number),
        "total": f"{invoice.total:f}",
        "customer": invoice.customer,
        "billing": {"country": invoice.country},
        "items": [
            {"sku": sku, "name": name if named else "", "quantity": str(quantity), "unit_price": str(price)}
            for sku, name, quantity, price in invoice.items
        ],
    }
    return json.dumps(order, ensure_ascii=False, separators=(",", ":")).encode()


def moment(at: datetime) -> str:
    """A time as RFC 3339 writes it."""
    return at.isoformat().replace("+00:00", "Z")


def batches(letters: Iterable[Letter]) -> Iterator[Batch]:
    """Put letters together until a call is full by number or by size."""
    batch, size = Batch([]), 0
    for letter in letters:
        if batch.letters and (len(batch.letters) == MOST_ORDERS or size + len(letter.body) > MOST_BYTES):
            yield batch
            batch, size = Batch([]), 0
        batch.letters.append(letter)
        size += len(letter.body)
    if batch.letters:
        yield batch
