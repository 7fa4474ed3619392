"""An event at its place in its owner's log, and the CloudEvents 1.0 headers it travels with (Kafka binary mode)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

SOURCE_PREFIX = "/klientela/"


class Position(NamedTuple):
    """A place in one lane: positions of a lane compare as the protocol orders them."""

    incarnation: int
    sequence: int

    def __str__(self) -> str:
        return f"{self.incarnation}:{self.sequence}"

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Read ``incarnation:sequence``; a bare number is a sequence of incarnation 0. Raises ValueError.

        >>> Position.parse("1763:5"), Position.parse("5")
        (Position(incarnation=1763, sequence=5), Position(incarnation=0, sequence=5))
        """
        incarnation, _, sequence = text.rpartition(":")
        return cls(int(incarnation or 0), int(sequence))


class Cause(NamedTuple):
    """What made something happen: an event at its place, a timer's firing, a command, or an accepted message."""

    id: UUID
    correlation: UUID
    source: str = ""
    lane: int = 0
    sequence: int = 0
    hops: int = 0
    actor: str = ""

    @property
    def place(self) -> str:
        """``source/lane/sequence``, or nothing for what stands in no lane."""
        return f"{self.source}/{self.lane}/{self.sequence}" if self.sequence else self.source


class Record(NamedTuple):
    """One event as the log has it; ``body`` are the final bytes."""

    source: str
    lane: int
    sequence: int
    incarnation: int
    id: UUID
    type: str
    key: UUID
    subject: UUID
    version: int
    at: datetime
    correlation: UUID
    causation: UUID | None
    cause_place: str
    hops: int
    actor: str
    body: bytes

    @property
    def position(self) -> Position:
        """Where in its lane the record stands."""
        return Position(self.incarnation, self.sequence)

    def as_cause(self) -> Cause:
        """What the record's effects carry on."""
        return Cause(self.id, self.correlation, self.source, self.lane, self.sequence, self.hops + 1, self.actor)

    def headers(self) -> list[tuple[str, bytes]]:
        """Return the Kafka headers of the record."""
        texts = (
            ("ce_specversion", "1.0"),
            ("ce_id", str(self.id)),
            ("ce_source", SOURCE_PREFIX + self.source),
            ("ce_type", self.type),
            ("ce_subject", str(self.subject)),
            ("ce_time", self.at.isoformat()),
            ("ce_lane", str(self.lane)),
            ("ce_sequence", str(self.sequence)),
            ("ce_incarnation", str(self.incarnation)),
            ("ce_subjectversion", str(self.version)),
            ("ce_correlationid", str(self.correlation)),
            ("ce_causationid", str(self.causation or "")),
            ("ce_causationplace", self.cause_place),
            ("ce_hops", str(self.hops)),
            ("ce_actor", self.actor),
            ("content-type", "application/json"),
        )
        return [(name, text.encode()) for name, text in texts]

    def as_json(self) -> dict[str, Any]:
        """Return what the feed serves: the attributes by their CloudEvents names, and the body untouched under ``data``."""
        return {
            "id": self.id, "type": self.type, "source": self.source, "subject": self.subject, "time": self.at,
            "partitionkey": self.key, "lane": self.lane, "sequence": self.sequence, "incarnation": self.incarnation,
            "subjectversion": self.version, "correlationid": self.correlation, "causationid": self.causation,
            "causationplace": self.cause_place, "hops": self.hops, "actor": self.actor, "data": orjson.Fragment(self.body),
        }  # fmt: skip


def from_headers(source: str, key: bytes | None, headers: Iterable[tuple[str, bytes]], body: bytes | None) -> Record:
    """Read a record that came by Kafka. Raises ValueError or KeyError when it is not one of ours."""
    found = dict(headers)
    causation = found["ce_causationid"]
    return Record(
        source,
        int(found["ce_lane"]),
        int(found["ce_sequence"]),
        int(found["ce_incarnation"]),
        UUID(found["ce_id"].decode()),
        found["ce_type"].decode(),
        UUID((key or b"").decode()),
        UUID(found["ce_subject"].decode()),
        int(found["ce_subjectversion"]),
        datetime.fromisoformat(found["ce_time"].decode()),
        UUID(found["ce_correlationid"].decode()),
        UUID(causation.decode()) if causation else None,
        found["ce_causationplace"].decode(),
        int(found["ce_hops"]),
        found["ce_actor"].decode(),
        body or b"",
    )


def from_json(item: Mapping[str, Any]) -> Record:
    """Read a record that came by the feed; its body is again the bytes that the owner wrote."""
    causation = item["causationid"]
    return Record(
        item["source"],
        item["lane"],
        item["sequence"],
        item["incarnation"],
        UUID(item["id"]),
        item["type"],
        UUID(item["partitionkey"]),
        UUID(item["subject"]),
        item["subjectversion"],
        datetime.fromisoformat(item["time"]),
        UUID(item["correlationid"]),
        UUID(causation) if causation else None,
        item["causationplace"],
        item["hops"],
        item["actor"],
        orjson.dumps(item["data"]),
    )
