"""What every published event has in common."""

from typing import ClassVar, NamedTuple, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, PrivateAttr


class Value(BaseModel):
    """A frozen value; unknown fields are ignored, so that an older reader survives a newer writer."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Stamp(NamedTuple):
    """What guards a copy: a later incarnation of the owner's log counts more than any version of an earlier one."""

    incarnation: int
    version: int


NEVER = Stamp(0, 0)
"""The stamp of a copy of what was never heard of."""


class Event(Value):
    """Something that happened to one subject, with the whole public state of that subject afterwards.

    ``event_type`` is the wire name (``orders.order_paid.v1``); its first part is the owner and the topic.
    """

    event_type: ClassVar[str]
    personal: ClassVar[tuple[str, ...]] = ()
    """Paths of the fields that hold personal data: what no log may show, and erasing a person will rewrite."""
    _event_id: UUID | None = PrivateAttr(default=None)
    _incarnation: int = PrivateAttr(default=0)

    def heard(self, event_id: UUID, incarnation: int) -> Self:
        """Note by which id, and under which incarnation of its owner's log, the event was heard."""
        self._event_id, self._incarnation = event_id, incarnation
        return self

    @property
    def event_id(self) -> UUID | None:
        """The id it was heard by; None while it is only about to be said."""
        return self._event_id

    @property
    def stamp(self) -> Stamp:
        """What a copy of the subject is guarded by: take it over if its stamp is lower."""
        return Stamp(self._incarnation, self.subject_version)

    @property
    def partition_key(self) -> UUID:
        """The key whose lane the event travels in: the client, or the identity of an order without one."""
        raise NotImplementedError

    @property
    def subject_id(self) -> UUID:
        """The thing the event is about."""
        raise NotImplementedError

    @property
    def subject_version(self) -> int:
        """Version of the subject's public state in this event; 0 for events that carry no state."""
        return 0

    @classmethod
    def owner(cls) -> str:
        """The service that publishes the event; also its topic."""
        return cls.event_type.split(".", 1)[0]
