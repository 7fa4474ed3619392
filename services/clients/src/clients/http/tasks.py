"""Tasks over HTTP."""

from typing import Literal
from uuid import UUID, uuid4

from pydantic import BaseModel

from chassis.web.paging import Count, Cursor, Limit, Page, page_of
from chassis.web.preconditions import Expected
from chassis.web.route import Reads, Writes, router
from clients import commands
from clients.domain.card import AddTask, StoredTask
from clients.http.cursors import after_moment
from clients.http.models import Body
from clients.store import tasks
from schemas.clients import Task
from schemas.values import Instant, Name, Text

routes = router("tasks")


class NewTask(Body):
    """Something for a person to do for a client. ``{client}`` in the title stands for the client's name."""

    client_id: UUID
    title: Name
    due: Instant
    assignee: Text = ""


class Cause(BaseModel):
    """The event a task comes from, where it stands (``source/lane/sequence``), and the request it carried."""

    event_id: UUID
    place: str
    request_id: UUID | None


class ShownTask(Task):
    """A task, and what made it; nothing when a person did."""

    cause: Cause | None


@routes.get("/tasks")
async def list_tasks(
    unit: Reads,
    client_id: UUID | None = None,
    state: Literal["open", "done"] | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    *,
    count: Count = False,
) -> Page[ShownTask]:
    """List tasks, the most urgent first."""
    wanted = tasks.WantedTasks(client_id, state)
    rows = await tasks.list_tasks(unit.connection, wanted, after_moment(cursor), limit + 1)
    page = page_of(rows, limit, lambda row: (row.task.due, row.task.id), _shown)
    page.count = await tasks.count_tasks(unit.connection, wanted) if count else None
    return page


@routes.post("/tasks", status_code=201)
async def add_task(unit: Writes, body: NewTask) -> ShownTask:
    """Put a task on the list."""
    new = AddTask(body.client_id, uuid4(), body.title, body.due, body.assignee)
    return _shown(await commands.add_task(unit, new))


@routes.post("/tasks/{task_id}/done")
async def complete_task(unit: Writes, task_id: UUID, expected: Expected) -> ShownTask:
    """Say that a task is done; saying it twice changes nothing."""
    return _shown(await commands.complete_task(unit, task_id, expected))


def _shown(stored: StoredTask) -> ShownTask:
    origin = stored.origin
    cause = Cause(event_id=origin.id, place=origin.place, request_id=stored.request_id) if origin else None
    return ShownTask(**stored.task.model_dump(), cause=cause)
