"""How a history's orders are told: in which currency, as paid or taken back, and as which revision.

What a channel said once of a revision is for ever a repetition. So to say again what was said before, as after a wrong
currency, the orders are told anew: as a revision of this moment, which later imports of the channel find and follow.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NamedTuple
from uuid import UUID

from klientela.errors import Refusal
from klientela.importing.mapping import Invoice
from klientela.importing.suite_api import SuiteApi

USUAL_CURRENCY = "GBP"


class Telling(NamedTuple):
    """What is told of all orders alike; `since` is a revision that none of them is before."""

    currency: str
    state: Literal["paid", "cancelled"] = "paid"
    since: datetime | None = None

    def revision(self, invoice: Invoice) -> datetime:
        """The revision as which an order is told."""
        return max(invoice.revised_at, self.since) if self.since else invoice.revised_at


@dataclass(frozen=True)
class Known:
    """What the service has of a history, by its first order: how that was told, and anew at which moment, if it was."""

    currency: str
    state: str
    since: datetime | None


async def known_of(api: SuiteApi, channel: UUID, first: Invoice) -> Known | None:
    """Ask what the service has of an order. A file's times are whole seconds: a later one that is not was told anew."""
    page = await api.get("orders", "/v1/orders", channel_id=str(channel), external_id=first.number, limit=1)
    for order in page["items"]:
        revised_at = datetime.fromisoformat(order["revised_at"])
        anew = revised_at > first.revised_at and revised_at.microsecond
        return Known(order["total"]["currency"], order["state"], revised_at if anew else None)
    return None


def telling_of(known: Known | None, currency: str | None, *, again: bool, undo: bool) -> Telling:
    """Decide how a history is told; without a currency it is the one it is known in.

    Raises Refusal for what would contradict an earlier import without being meant as a correction.
    """
    wanted = currency or (known.currency if known else USUAL_CURRENCY)
    if undo:
        if known is None:
            raise Refusal(
                "The channel has none of these orders: there is nothing to undo. --channel names another one."
            )
        return Telling(known.currency, "cancelled", this_moment())
    if again:
        return Telling(wanted, since=this_moment())
    if known and known.currency != wanted:
        raise Refusal(
            f"The channel has these orders in {known.currency}, not in {wanted}, and nothing was sent."
            f" If {known.currency} is wrong, --again tells all of them anew in {wanted}."
        )
    if known and known.state == "cancelled":
        raise Refusal("These orders were taken back by --undo, and nothing was sent. --again tells all of them anew.")
    return Telling(wanted, since=known.since if known else None)


def this_moment() -> datetime:
    """Now, with a fraction of a second that tells it from the times of a file."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond or 1)
