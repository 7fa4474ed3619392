"""Clients over HTTP: find, store, write, status, star."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import Query

from chassis.events.unit import Unit
from chassis.web.paging import Count, Cursor, Limit, Page, page_of
from chassis.web.preconditions import Expected
from chassis.web.route import Reads, Writes, router
from clients import commands
from clients.domain.card import SetStar, SetStatus
from clients.domain.edit import EditCard
from clients.domain.refusals import ClientUnknown
from clients.http.cursors import after_number
from clients.http.models import Body, CardBody, NewCard, ShownClient, show
from clients.store import readers
from schemas.clients import Client
from schemas.values import Name, Text, tidy_ico

routes = router("clients")

Search = Annotated[Text | None, Query(description="Part of IČO, DIČ or name; case and diacritics do not matter")]


class StatusBody(Body):
    """A status of the list."""

    status: Name


class StarBody(Body):
    """A star, or none."""

    starred: bool


@routes.get("/clients")
async def list_clients(
    unit: Reads,
    query: Search = None,
    ico: Text | None = None,
    status: Text | None = None,
    *,
    starred: bool | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    count: Count = False,
) -> Page[ShownClient]:
    """List clients by their number."""
    wanted = readers.Wanted(query, tidy_ico(ico) if ico else None, status, starred)
    found = await readers.list_clients(unit.connection, wanted, after_number(cursor), limit + 1)
    page = page_of(found, limit, lambda client: (client.number,), lambda client: client)
    shown = Page(items=await _show(unit, page.items), next=page.next)
    shown.count = await readers.count_clients(unit.connection, wanted) if count else None
    return shown


@routes.get("/clients/{client_id}")
async def get_client(unit: Reads, client_id: UUID) -> ShownClient:
    """Return one client."""
    client = await readers.find_client(unit.connection, client_id)
    if client is None:
        raise ClientUnknown
    return await _show_one(unit, client)


@routes.post("/clients", status_code=201)
async def store_client(unit: Writes, body: NewCard) -> ShownClient:
    """Store a client by hand; 409 ``ico-taken`` names the client that has the IČO."""
    fields = body.fields()
    commands.check_numbers(fields)
    return await _show_one(unit, await commands.store_client(unit, body.client(uuid4(), fields)))


@routes.patch("/clients/{client_id}")
async def change_card(unit: Writes, client_id: UUID, body: CardBody, expected: Expected) -> ShownClient:
    """Write some fields of a card; addresses are written together."""
    fields = body.fields()
    commands.check_numbers(fields)
    return await _show_one(unit, await commands.change_card(unit, EditCard(client_id, fields, expected)))


@routes.put("/clients/{client_id}/status")
async def set_status(unit: Writes, client_id: UUID, body: StatusBody, expected: Expected) -> ShownClient:
    """Give a client a status of the list."""
    return await _show_one(unit, await commands.set_status(unit, SetStatus(client_id, body.status, expected)))


@routes.put("/clients/{client_id}/star")
async def set_star(unit: Writes, client_id: UUID, body: StarBody, expected: Expected) -> ShownClient:
    """Give a client a star or take it."""
    return await _show_one(unit, await commands.set_star(unit, SetStar(client_id, body.starred, expected)))


async def _show_one(unit: Unit, client: Client) -> ShownClient:
    return (await _show(unit, [client]))[0]


async def _show(unit: Unit, clients: Sequence[Client]) -> list[ShownClient]:
    totals = await readers.totals(unit.connection, [client.id for client in clients])
    return [show(client, [total for total in totals if total.client_id == client.id]) for client in clients]
