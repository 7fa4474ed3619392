"""What the clients service publishes."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from schemas.event import Event, Value
from schemas.values import Address, Identity, Instant, Name, Text


class Client(Value):
    """Public state of a client card: a company or a person."""

    id: UUID
    number: int = Field(ge=1)
    kind: Literal["company", "person"]
    name: Name
    ico: Text = ""
    dic: Text = ""
    email: Text = ""
    phone: Text = ""
    notes: Text = ""
    status: Name
    starred: bool = False
    billing: Address = Address()
    delivery: Address | None = None
    version: int = Field(ge=1)

    @property
    def label(self) -> str:
        """What operators call a stored client."""
        return f"Klient: {self.number}"


class ClientEvent(Event):
    """Common shape: the client as it is now."""

    personal: ClassVar[tuple[str, ...]] = (
        "client.name", "client.email", "client.phone", "client.notes", "client.billing", "client.delivery",
    )  # fmt: skip
    client: Client

    @property
    def partition_key(self) -> UUID:
        return self.client.id

    @property
    def subject_id(self) -> UUID:
        return self.client.id

    @property
    def subject_version(self) -> int:
        return self.client.version


class ClientCreated(ClientEvent):
    """A client was stored, by a person or from an order."""

    event_type: ClassVar[str] = "clients.client_created.v1"


class ClientChanged(ClientEvent):
    """The card of a client changed."""

    event_type: ClassVar[str] = "clients.client_changed.v1"
    changed: tuple[str, ...] = ()


class ClientStatusChanged(ClientEvent):
    """A client has another status than before."""

    event_type: ClassVar[str] = "clients.client_status_changed.v1"
    previous: Text
    request_id: UUID | None = None


class ClientStarred(ClientEvent):
    """A client got a star, or lost it: see ``client.starred``."""

    event_type: ClassVar[str] = "clients.client_starred.v1"
    request_id: UUID | None = None


class ClientForgotten(Event):
    """There is no such client any more, after the owner's database was set back to before it was stored."""

    event_type: ClassVar[str] = "clients.client_forgotten.v1"
    client_id: UUID

    @property
    def partition_key(self) -> UUID:
        return self.client_id

    @property
    def subject_id(self) -> UUID:
        return self.client_id


class IdentityLinked(Event):
    """Orders of a billing identity belong to a client from now on; without a client the link was taken off."""

    event_type: ClassVar[str] = "clients.identity_linked.v1"
    identity: Identity
    client_id: UUID | None
    version: int = Field(ge=1)

    @property
    def partition_key(self) -> UUID:
        return self.identity.id

    @property
    def subject_id(self) -> UUID:
        return self.identity.id

    @property
    def subject_version(self) -> int:
        return self.version


class IdentityForgotten(Event):
    """The identity was never linked, after the owner's database was set back to before it was."""

    event_type: ClassVar[str] = "clients.identity_forgotten.v1"
    identity_id: UUID

    @property
    def partition_key(self) -> UUID:
        return self.identity_id

    @property
    def subject_id(self) -> UUID:
        return self.identity_id


class Task(Value):
    """Something for a person to do for a client."""

    id: UUID
    client_id: UUID
    title: Name
    due: Instant
    assignee: Text = ""
    state: Literal["open", "done"] = "open"
    version: int = Field(ge=1)


class TaskCreated(Event):
    """A task was put on somebody's list."""

    event_type: ClassVar[str] = "clients.task_created.v1"
    personal: ClassVar[tuple[str, ...]] = ("task.title",)
    task: Task
    request_id: UUID | None = None

    @property
    def partition_key(self) -> UUID:
        return self.task.client_id

    @property
    def subject_id(self) -> UUID:
        return self.task.id

    @property
    def subject_version(self) -> int:
        return self.task.version


class KeyRevoked(Event):
    """An access key is no longer good; every service forgets it."""

    event_type: ClassVar[str] = "clients.key_revoked.v1"
    key_id: UUID
    revoked_at: Instant

    @property
    def partition_key(self) -> UUID:
        return self.key_id

    @property
    def subject_id(self) -> UUID:
        return self.key_id


class RequestRefused(Event):
    """What automation asked for was not done; ``reason`` is a stable slug."""

    event_type: ClassVar[str] = "clients.request_refused.v1"
    request_id: UUID
    client_id: UUID
    reason: Name

    @property
    def partition_key(self) -> UUID:
        return self.client_id

    @property
    def subject_id(self) -> UUID:
        return self.request_id


EVENTS: tuple[type[Event], ...] = (
    ClientCreated, ClientChanged, ClientStatusChanged, ClientStarred, ClientForgotten, IdentityLinked,
    IdentityForgotten, TaskCreated, KeyRevoked, RequestRefused,
)  # fmt: skip
