"""How the orders of a history are told: in which currency, as paid or taken back, and as which revision.

What a channel said once of a revision is for ever a repetition. So what is to be put right, a wrong currency or an
`--undo`, is told as a later revision: of this moment, with a fraction of a second. A file's times have none, so such
a moment is known when the history comes again, and what the file says by then is told as of that moment too.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from klientela.errors import Refusal
from klientela.importing.mapping import Invoice
from klientela.importing.suite_api import SuiteApi

USUAL_CURRENCY = "GBP"
INSTANT = timedelta(microseconds=1)
State = Literal["paid", "cancelled"]


class Known(NamedTuple):
    """What the service has of an order: when and how it was told last."""

    revised_at: datetime
    currency: str
    state: str

    @property
    def undone(self) -> bool:
        """Taken back by an import with `--undo`: nothing else cancels what a file brought."""
        return self.state == "cancelled"


@dataclass(frozen=True)
class Telling:
    """How a history is told to a channel that has `known` of it, at the moment `now`."""

    currency: str
    known: Mapping[str, Known]
    now: datetime
    state: State = "paid"

    def currency_of(self, number: str) -> str:
        """The currency of an order: what is taken back keeps its own."""
        return self.known[number].currency if self.state == "cancelled" else self.currency

    def said_by(self, known: Known) -> bool:
        """Whether what the service has of an order is what is to be told of it."""
        return known.undone if self.state == "cancelled" else not known.undone and known.currency == self.currency

    def revision(self, invoice: Invoice) -> datetime | None:
        """The revision as which an order is told; none if there is nothing to take back."""
        known = self.known.get(invoice.number)
        if known and not self.said_by(known):
            return later(max(self.now, known.revised_at, invoice.revised_at))
        if self.state == "cancelled":
            return None
        put_right = known is not None and known.revised_at.microsecond
        return max(invoice.revised_at, known.revised_at) if known and put_right else invoice.revised_at


def later(at: datetime) -> datetime:
    """The next moment that has a fraction of a second."""
    return at + INSTANT if (at + INSTANT).microsecond else at + 2 * INSTANT


async def orders_of(api: SuiteApi, channel: UUID) -> dict[str, Known]:
    """Ask what the service has of a channel's orders."""
    return {
        order["external_id"]: Known(datetime.fromisoformat(order["revised_at"]), order["currency"], order["state"])
        async for order in api.pages("orders", f"/v1/channels/{channel}/orders")
    }


def telling_of(
    known: Mapping[str, Known],
    currency: str | None,
    now: datetime,
    *,
    usual: Collection[str] = (),
    correct: bool,
    undo: bool,
) -> Telling:
    """Decide how a history is told; without a currency it is the one it is known in, or the channel's ``usual`` one.

    Raises Refusal for what would contradict an earlier import without being meant to.
    """
    currencies = sorted({order.currency for order in known.values()} or usual)
    if undo:
        if not known:
            raise Refusal("The channel has none of these orders, so there is nothing to undo. Is --channel right?")
        return Telling(currencies[0], known, now, "cancelled")
    if currency is None and len(currencies) > 1:
        raise Refusal(f"The channel has some orders in {', some in '.join(currencies)}: say --currency.")
    telling = Telling(currency or (currencies[0] if currencies else USUAL_CURRENCY), known, now)
    if not correct:
        _refuse_contradiction(telling)
    return telling


def _refuse_contradiction(telling: Telling) -> None:
    undone = sum(order.undone for order in telling.known.values())
    if undone:
        raise Refusal(
            f"{undone} of these orders were taken back by --undo, and nothing was sent. --correct brings them back."
        )
    others = [order.currency for order in telling.known.values() if order.currency != telling.currency]
    if others:
        raise Refusal(
            f"The channel has {len(others)} of these orders in {others[0]}, not in {telling.currency}, and nothing was"
            f" sent. If {others[0]} is wrong, --correct tells them in {telling.currency}."
        )
