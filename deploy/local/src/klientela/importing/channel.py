"""Making the suite ready for an import: its channel, and what a currency is worth in points."""

from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

from klientela.importing.suite_api import SuiteApi

KIND = "import"


async def find_or_make_channel(api: SuiteApi, name: str) -> UUID:
    """Return the import channel of this name; the same name is the same channel, so nothing comes twice."""
    async for channel in api.pages("orders", "/v1/channels"):
        if (channel["kind"], channel["name"]) == (KIND, name):
            return UUID(channel["id"])
    made = await api.make("orders", "/v1/channels", {"kind": KIND, "name": name})
    return UUID(made["id"])


async def ensure_rate(api: SuiteApi, currency: str, rate: Decimal | None, tell: Callable[[str], None]) -> None:
    """Give a currency a rate in the programme unless it has one; a rate that is there is never changed."""
    programme = await api.get("loyalty", "/v1/programme")
    known = programme["rates"].get(currency)
    if known is not None:
        if rate is not None and Decimal(known) != rate:
            tell(f"The programme counts a point for {known} {currency}, and so it stays; --rate {rate} was not used.")
    elif rate is None:
        tell(f"The programme has no rate for {currency}: these orders bring no points.")
    else:
        rates = {**programme["rates"], currency: str(rate)}
        await api.put("loyalty", "/v1/programme", {"rates": rates, "tiers": programme["tiers"]})
        tell(f"The programme had no rate for {currency}: from now on a point is {rate} {currency}.")
