"""What an import has come to, asked from the services."""

from typing import NamedTuple
from uuid import UUID

from klientela.importing.suite_api import SuiteApi


class Outcome(NamedTuple):
    """Orders that the service has of a channel, clients with the channel's identities, and those clients' points.

    ``refused`` are messages that became dead letters while the orders were worked off.
    """

    orders: int
    clients: int
    points: int
    refused: int = 0


async def outcome_of(api: SuiteApi, channel: UUID, dead_before: int) -> Outcome:
    """Ask for the outcome of a channel's orders so far."""
    refused = max(await count_dead_letters(api) - dead_before, 0)
    clients = await clients_of(api, channel)
    points = 0
    async for account in api.pages("loyalty", "/v1/accounts"):
        if account["client_id"] in clients:
            points += int(account["points"])
    return Outcome(await count_orders(api, channel), len(clients), points, refused)


async def clients_of(api: SuiteApi, channel: UUID) -> set[str]:
    """The clients that this channel's customer numbers belong to."""
    own = f"{channel}:"
    return {
        identity["client_id"]
        async for identity in api.pages("clients", "/v1/identities")
        if identity["kind"] == "external" and identity["value"].startswith(own) and identity["client_id"]
    }


async def count_dead_letters(api: SuiteApi) -> int:
    """How many open dead letters the service of orders has."""
    page = await api.get("orders", "/v1/dead-letters", limit=1, count="true")
    return int(page["count"])


async def count_orders(api: SuiteApi, channel: UUID) -> int:
    """How many orders the service has of a channel."""
    page = await api.get("orders", "/v1/orders", channel_id=str(channel), limit=1, count="true")
    return int(page["count"])
