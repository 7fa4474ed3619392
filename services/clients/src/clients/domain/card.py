"""One client's card: its status, its star, its fields, and tasks for somebody to do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from chassis.effects import Restate
from chassis.errors import VersionMismatch
from clients.domain.refusals import ClientUnknown, StatusUnknown
from schemas.clients import (
    Client,
    ClientChanged,
    ClientForgotten,
    ClientStarred,
    ClientStatusChanged,
    Task,
    TaskCreated,
)
from schemas.event import Event

LONGEST_TITLE = 300


class Origin(NamedTuple):
    """What a task comes from: an event and its place, as far as it was not a person."""

    id: UUID
    place: str


class StoredTask(NamedTuple):
    """A task with where it came from."""

    task: Task
    request_id: UUID | None = None
    origin: Origin | None = None


@dataclass(slots=True)
class Card:
    """A client as stored (``None``: there is no such client), the list of statuses, and tasks not yet stored."""

    client: Client | None
    statuses: frozenset[str]
    tasks: list[StoredTask] = field(default_factory=list)
    changed: bool = False

    def known(self, expected: int | None = None) -> Client:
        """Return the client. Raises ClientUnknown, and VersionMismatch if another version than expected is stored."""
        if self.client is None:
            raise ClientUnknown
        if expected is not None and expected != self.client.version:
            raise VersionMismatch
        return self.client

    def set_status(self, status: str, *, request: UUID | None = None, expected: int | None = None) -> Iterator[Event]:
        """Give the client a status; the one it has already is no change."""
        client = self.known(expected)
        if status not in self.statuses:
            raise StatusUnknown
        if status != client.status:
            changed = self._write(client, {"status": status})
            yield ClientStatusChanged(client=changed, previous=client.status, request_id=request)

    def set_star(self, *, starred: bool, request: UUID | None = None, expected: int | None = None) -> Iterator[Event]:
        """Give the client a star or take it."""
        client = self.known(expected)
        if starred != client.starred:
            yield ClientStarred(client=self._write(client, {"starred": starred}), request_id=request)

    def edit(self, fields: Mapping[str, Any], expected: int | None = None) -> Iterator[Event]:
        """Write fields of the card; only those that differ count."""
        client = self.known(expected)
        different = {name: value for name, value in fields.items() if getattr(client, name) != value}
        if different:
            yield ClientChanged(client=self._write(client, different), changed=tuple(sorted(different)))

    def restate(self, asked: Restate) -> Iterator[Event]:
        """Tell anew how the card is, or that there is none."""
        if self.client is None:
            yield ClientForgotten(client_id=asked.subject)
        else:
            yield ClientChanged(client=self._write(self.client, {}))

    def add_task(self, task: Task, *, request: UUID | None = None, origin: Origin | None = None) -> Iterator[Event]:
        """Put a task on the list; ``{client}`` in its title stands for the client's name."""
        client = self.known()
        titled = task.model_copy(update={"title": task.title.replace("{client}", client.name)[:LONGEST_TITLE].strip()})
        self.tasks.append(StoredTask(titled, request, origin))
        yield TaskCreated(task=titled, request_id=request)

    def _write(self, client: Client, fields: Mapping[str, Any]) -> Client:
        self.client = client.model_copy(update={**fields, "version": client.version + 1})
        self.changed = True
        return self.client


class SetStatus(NamedTuple):
    """A person gives a client a status."""

    client_id: UUID
    status: str
    expected: int | None = None


class SetStar(NamedTuple):
    """A person gives a client a star or takes it."""

    client_id: UUID
    starred: bool
    expected: int | None = None


class AddTask(NamedTuple):
    """A person puts a task on the list."""

    client_id: UUID
    id: UUID
    title: str
    due: datetime
    assignee: str
