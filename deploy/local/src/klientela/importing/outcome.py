"""What an import has come to, asked from the services."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from klientela.importing.suite_api import SuiteApi
from klientela.importing.telling import Telling, orders_of


class Outcome(NamedTuple):
    """Orders that are not as they were told, clients with the channel's identities, and those clients' points."""

    missing: int
    clients: int
    points: int


async def outcome_of(api: SuiteApi, channel: UUID, telling: Telling, told: Mapping[str, datetime]) -> Outcome:
    """Ask what came of orders that were told as these revisions."""
    clients = await clients_of(api, channel)
    points = 0
    async for account in api.pages("loyalty", "/v1/accounts"):
        if account["client_id"] in clients:
            points += int(account["points"])
    return Outcome(len(await missing(api, channel, telling, told)), len(clients), points)


async def missing(api: SuiteApi, channel: UUID, telling: Telling, told: Mapping[str, datetime]) -> list[str]:
    """Name orders that the service does not have as they were told; one told of the future it has as of now."""
    there = await orders_of(api, channel)
    return [
        number
        for number, revision in told.items()
        if (known := there.get(number)) is None
        or not telling.said_by(known)
        or known.revised_at < min(revision, telling.now)
    ]


async def clients_of(api: SuiteApi, channel: UUID) -> set[str]:
    """The clients that this channel's customer numbers belong to."""
    own = f"{channel}:"
    return {
        identity["client_id"]
        async for identity in api.pages("clients", "/v1/identities")
        if identity["kind"] == "external" and identity["value"].startswith(own) and identity["client_id"]
    }
