"""The setting of B2B clients and the list of statuses over HTTP."""

from typing import Annotated

from pydantic import BaseModel, Field

from chassis.web.paging import Count, Cursor, Limit, Page, page_of
from chassis.web.route import Reads, Writes, router
from clients import commands
from clients.http.cursors import after_place
from clients.http.models import Body
from clients.store import settings
from schemas.values import Name, Text

routes = router("settings")

ON_TEXT = "Ano, vytvářet klienty pro B2B objednávky"
Place = Annotated[int, Field(ge=0, le=1_000_000)]


class B2bClients(Body):
    """Whether orders that carry an IČO or DIČ make clients, and the status of those made."""

    create: bool
    default_status: Name


class ShownB2bClients(BaseModel):
    """The setting, and what its switch is called."""

    create: bool
    default_status: str
    label: str = ON_TEXT


class StatusPlace(Body):
    """How a status is shown: its group, colour, and place."""

    group: Text = ""
    colour: Text = ""
    order: Place = 0


class Status(StatusPlace):
    """A status that clients may have."""

    name: Name


@routes.get("/settings/b2b-clients")
async def get_b2b(unit: Reads) -> ShownB2bClients:
    """Return whether B2B orders make clients."""
    create, default_status = await settings.read_b2b(unit.connection)
    return ShownB2bClients(create=create, default_status=default_status)


@routes.put("/settings/b2b-clients")
async def set_b2b(unit: Writes, body: B2bClients) -> ShownB2bClients:
    """Say whether B2B orders make clients from now on."""
    await commands.set_b2b(unit, create=body.create, default_status=body.default_status)
    return ShownB2bClients(create=body.create, default_status=body.default_status)


@routes.get("/statuses")
async def list_statuses(
    unit: Reads, limit: Limit = 100, cursor: Cursor = None, *, count: Count = False
) -> Page[Status]:
    """List the statuses in their order."""
    rows = await settings.list_statuses(unit.connection, after_place(cursor), limit + 1)
    page = page_of(rows, limit, lambda row: (row.position, row.name), _shown)
    page.count = await settings.count_statuses(unit.connection) if count else None
    return page


@routes.post("/statuses", status_code=201)
async def add_status(unit: Writes, body: Status) -> Status:
    """Put a status on the list."""
    await commands.add_status(unit, settings.Status(body.name, body.group, body.colour, body.order))
    return body


@routes.put("/statuses/{name}")
async def edit_status(unit: Writes, name: Name, body: StatusPlace) -> Status:
    """Write group, colour and place of a status; its name stays, for clients and rules know it by that."""
    status = settings.Status(name, body.group, body.colour, body.order)
    await commands.edit_status(unit, status)
    return _shown(status)


def _shown(row: settings.Status) -> Status:
    return Status(name=row.name, group=row.grouping, colour=row.colour, order=row.position)
