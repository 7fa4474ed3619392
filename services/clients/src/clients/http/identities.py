"""Identities over HTTP: whose they are, and saying so by hand."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel

from chassis.events.unit import Unit
from chassis.web.paging import Count, Cursor, Limit, Page, page_of
from chassis.web.preconditions import Expected
from chassis.web.route import Reads, Writes, router
from clients import commands
from clients.domain.refusals import IdentityUnknown
from clients.http.cursors import after_id
from clients.http.models import Body
from clients.store import identities
from schemas.values import Text

routes = router("identities")


class Owner(Body):
    """The client an identity belongs to."""

    client_id: UUID


class ShownIdentity(BaseModel):
    """By what a buyer is recognised, and whose it is; what a person unlinked is not linked again by itself."""

    id: UUID
    kind: str
    value: str
    client_id: UUID | None
    unlinked_by_hand: bool
    version: int


@routes.get("/identities")
async def list_identities(
    unit: Reads,
    client_id: UUID | None = None,
    value: Annotated[Text | None, Query(description="The whole IČO, DIČ, mail or customer number")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    *,
    count: Count = False,
) -> Page[ShownIdentity]:
    """List identities of a client or of a value; only orders and cards make them."""
    rows = await identities.list_identities(unit.connection, client_id, value, after_id(cursor), limit + 1)
    page = page_of(rows, limit, lambda row: (row.id,), lambda row: ShownIdentity(**row._asdict()))
    page.count = await identities.count_identities(unit.connection, client_id, value) if count else None
    return page


@routes.get("/identities/{identity_id}")
async def get_identity(unit: Reads, identity_id: UUID) -> ShownIdentity:
    """Return one identity."""
    return await _shown(unit, identity_id)


@routes.put("/identities/{identity_id}/client")
async def link_identity(unit: Writes, identity_id: UUID, body: Owner, expected: Expected) -> ShownIdentity:
    """Link an identity to a client: its orders follow, but for those that a person assigned."""
    await commands.link_identity(unit, identity_id, body.client_id, expected)
    return await _shown(unit, identity_id)


@routes.delete("/identities/{identity_id}/client")
async def unlink_identity(unit: Writes, identity_id: UUID, expected: Expected) -> ShownIdentity:
    """Take an identity from its client; it stays so until a person links it again."""
    await commands.link_identity(unit, identity_id, None, expected)
    return await _shown(unit, identity_id)


async def _shown(unit: Unit, identity_id: UUID) -> ShownIdentity:
    found = await identities.find_identity(unit.connection, identity_id)
    if found is None:
        raise IdentityUnknown
    return ShownIdentity(**found._asdict())
