"""Tasks as people ask for them."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from chassis.database import Connection
from clients.domain.card import Origin, StoredTask
from schemas.clients import Task

LOCK = """
    select id, client_id, title, due, assignee, state, version, request_id, cause_id, cause_place
    from tasks
    where id = $1
    for no key update
"""
SAVE = "update tasks set state = $2, version = $3 where id = $1"
LIST = """
    select id, client_id, title, due, assignee, state, version, request_id, cause_id, cause_place
    from tasks
    where ($1::uuid is null or client_id = $1)
      and ($2::text is null or state = $2)
      and (due, id) > ($3, $4)
    order by due, id
    limit $5
"""
COUNT = "select count(*) from tasks where ($1::uuid is null or client_id = $1) and ($2::text is null or state = $2)"


class WantedTasks(NamedTuple):
    """Which tasks are asked for; what is ``None`` does not matter."""

    client_id: UUID | None = None
    state: str | None = None


async def lock_task(connection: Connection, task_id: UUID) -> StoredTask | None:
    """Return a task, locked."""
    row = await connection.fetchrow(LOCK, task_id)
    return _task_of(tuple(row)) if row else None


async def save_task(connection: Connection, task: Task) -> None:
    """Write the state of a task."""
    await connection.execute(SAVE, task.id, task.state, task.version)


async def list_tasks(
    connection: Connection, wanted: WantedTasks, after: tuple[datetime, UUID], limit: int
) -> list[StoredTask]:
    """Return tasks, the most urgent first."""
    rows = await connection.fetch(LIST, *wanted, *after, limit)
    return [_task_of(tuple(row)) for row in rows]


async def count_tasks(connection: Connection, wanted: WantedTasks) -> int:
    """Return exactly how many tasks match."""
    return int(await connection.fetchval(COUNT, *wanted))


def _task_of(row: Sequence[object]) -> StoredTask:
    names = ("id", "client_id", "title", "due", "assignee", "state", "version")
    *fields, request_id, cause_id, cause_place = row
    task = Task.model_validate(dict(zip(names, fields, strict=True)))
    return StoredTask(
        task,
        request_id if isinstance(request_id, UUID) else None,
        Origin(cause_id, str(cause_place)) if isinstance(cause_id, UUID) else None,
    )
