"""The setting of B2B clients, and the list of statuses."""

from typing import NamedTuple

from chassis.database import Connection
from chassis.locks import claim

LOCK = "settings"
READ = "select create_clients, default_status from settings"
WRITE = """
    update settings
    set create_clients = $1, default_status = $2
    where (create_clients, default_status) is distinct from ($1, $2)
"""
STATUSES = """
    select name, grouping, colour, position
    from statuses
    where (position, name) > ($1, $2)
    order by position, name
    limit $3
"""
COUNT_STATUSES = "select count(*) from statuses"
HAS_STATUS = "select exists (select from statuses where name = $1)"
ADD_STATUS = """
    insert into statuses (name, grouping, colour, position)
    values ($1, $2, $3, $4)
    on conflict do nothing
    returning name, grouping, colour, position
"""
EDIT_STATUS = """
    update statuses
    set grouping = $2, colour = $3, position = $4
    where name = $1
    returning name, grouping, colour, position
"""


class Status(NamedTuple):
    """A status on the list, the group it is shown in, and its place there."""

    name: str
    grouping: str
    colour: str
    position: int


async def read_b2b(connection: Connection) -> tuple[bool, str]:
    """Return whether B2B orders make clients, and with which status."""
    row = await connection.fetchrow(READ)
    if row is None:
        message = "the settings have no row"
        raise RuntimeError(message)
    return row[0], row[1]


async def write_b2b(connection: Connection, *, create: bool, default_status: str) -> None:
    """Write the setting; the status is on the list."""
    await claim(connection, LOCK)
    await connection.execute(WRITE, create, default_status)


async def has_status(connection: Connection, name: str) -> bool:
    """Tell whether a status is on the list."""
    return bool(await connection.fetchval(HAS_STATUS, name))


async def list_statuses(connection: Connection, after: tuple[int, str], limit: int) -> list[Status]:
    """Return statuses in their order."""
    return [Status(*row) for row in await connection.fetch(STATUSES, *after, limit)]


async def count_statuses(connection: Connection) -> int:
    """Return how many statuses there are."""
    return int(await connection.fetchval(COUNT_STATUSES))


async def add_status(connection: Connection, status: Status) -> bool:
    """Put a status on the list; tell whether it was not there."""
    return await connection.fetchrow(ADD_STATUS, *status) is not None


async def edit_status(connection: Connection, status: Status) -> bool:
    """Write group, colour and place of a status; tell whether it is there."""
    return await connection.fetchrow(EDIT_STATUS, *status) is not None
