"""What every published event has in common."""

from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A frozen value; unknown fields are ignored, so that an older reader survives a newer writer."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Value):
    """Something that happened to one subject, with the whole public state of that subject afterwards.

    ``event_type`` is the wire name (``orders.order_paid.v1``); its first part is the owner and the topic.
    """

    event_type: ClassVar[str]
    personal: ClassVar[tuple[str, ...]] = ()
    """Paths of the fields that hold personal data: what erasing a person rewrites."""

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
