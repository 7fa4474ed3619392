"""Making the suite ready for an import: its channel, and what a currency is worth in points."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import islice
from uuid import UUID

from klientela.errors import Refusal
from klientela.importing.suite_api import PAGE, Answer, SuiteApi

KIND = "import"
LOOKED_UP = 3
"""Orders by which a history is recognised that came under another name."""


async def import_channels(api: SuiteApi) -> dict[str, UUID]:
    """Return the import channels by name; of those of one name the oldest, so that an order is known by one place."""
    channels = [channel async for channel in api.pages("orders", "/v1/channels") if channel["kind"] == KIND]
    return {channel["name"]: UUID(channel["id"]) for channel in channels}


async def make_channel(api: SuiteApi, name: str) -> UUID:
    """Make an import channel."""
    made = await api.make("orders", "/v1/channels", {"kind": KIND, "name": name})
    return UUID(made["id"])


async def refuse_a_second_coming(api: SuiteApi, channels: Mapping[str, UUID], numbers: Iterable[str]) -> None:
    """Raise Refusal when a history that is to make a channel of its own has an order that another import brought."""
    for number in islice(numbers, LOOKED_UP):
        page = await api.get("orders", "/v1/orders", external_id=number, limit=PAGE)
        found = {order["channel_id"] for order in page["items"]}
        for name in (name for name, channel in channels.items() if str(channel) in found):
            raise Refusal(
                f"Order {number} is in the channel “{name}” already, and nothing was sent. For the same history under"
                f" another name say --channel “{name}”, for another one --channel with a name of its own."
            )


async def ensure_rate(api: SuiteApi, currency: str, rate: Decimal | None, tell: Callable[[str], None]) -> None:
    """Give a currency a rate in the programme unless it has one; a rate that is there is never changed.

    Raises Refusal when a version that is to begin later has none: the rate would be gone with it.
    """
    versions = [version async for version in api.pages("loyalty", "/v1/programme/versions")]
    programme = await api.get("loyalty", "/v1/programme")  # after its versions: one made between them is refused below
    known = programme["rates"].get(currency)
    if known is not None:
        if rate is not None and Decimal(known) != rate:
            tell(f"The programme counts a point for {known} {currency}, and so it stays; --rate {rate} was not used.")
    elif rate is None:
        tell(f"The programme has no rate for {currency}: these orders bring no points.")
    else:
        _refuse_later_without(currency, programme, versions)
        rates = {**programme["rates"], currency: str(rate)}
        latest = max(version["version"] for version in versions)
        await api.put("loyalty", "/v1/programme", {"rates": rates, "tiers": programme["tiers"]}, version=latest)
        tell(f"The programme had no rate for {currency}: from now on a point is {rate} {currency}.")


def _refuse_later_without(currency: str, programme: Answer, versions: Sequence[Answer]) -> None:
    """Raise Refusal for what begins after the programme and has no rate; of versions that begin together one counts."""
    begun = datetime.fromisoformat(programme["valid_from"])
    last_made = {datetime.fromisoformat(version["valid_from"]): version for version in versions}
    for begins, later in last_made.items():
        if begins > begun and currency not in later["rates"]:
            raise Refusal(
                f"Version {later['version']} of the programme, which begins on {later['valid_from'][:10]}, has no"
                f" rate for {currency}: say it there first (PUT /v1/programme with its valid_from), then import."
            )
