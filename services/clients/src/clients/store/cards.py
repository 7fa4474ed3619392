"""Cards in the database: clients locked by id, and the tasks that decisions add to them."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from chassis.effects import Restate
from chassis.events.unit import Unit
from clients.domain.card import Card, StoredTask
from clients.store.rows import SELECT, client_of, write_clients

STATUSES = "select name from statuses"
LOCK = f"""
    {SELECT}
    where id = any($1::uuid[])
    order by id
    for no key update
"""
INSERT_TASKS = """
    insert into tasks (id, client_id, title, due, assignee, state, version, request_id, cause_id, cause_place)
    select *
    from unnest(
        $1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::bigint[], $8::uuid[],
        $9::uuid[], $10::text[]
    )
"""


class OfClient(Protocol):
    """A request or a command about one client."""

    @property
    def client_id(self) -> UUID:
        """Whom it is about."""


class Cards:
    """States: one card per client; a client that is not stored has an empty one."""

    def key(self, message: OfClient | Restate) -> UUID:
        """Requests and commands name their client."""
        return message.subject if isinstance(message, Restate) else message.client_id

    async def load(self, unit: Unit, messages: Sequence[OfClient | Restate]) -> Mapping[UUID, Card]:
        wanted = sorted({self.key(message) for message in messages})
        statuses = frozenset(row[0] for row in await unit.connection.fetch(STATUSES))
        found = {row["id"]: client_of(row) for row in await unit.connection.fetch(LOCK, wanted)}
        return {key: Card(found.get(key), statuses) for key in wanted}

    async def save(self, unit: Unit, states: Sequence[Card]) -> None:
        await write_clients(unit.connection, [card.client for card in states if card.client and card.changed])
        tasks = [_row(stored) for card in states for stored in card.tasks]
        if tasks:
            await unit.connection.execute(INSERT_TASKS, *(list(column) for column in zip(*tasks, strict=True)))


def _row(stored: StoredTask) -> tuple[object, ...]:
    task, request_id, origin = stored
    return (
        task.id, task.client_id, task.title, task.due, task.assignee, task.state, task.version, request_id,
        origin.id if origin else None, origin.place if origin else "",
    )  # fmt: skip
