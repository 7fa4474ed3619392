"""An event at its place in its owner's log, and the CloudEvents 1.0 headers it travels with (Kafka binary mode)."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import orjson
from asyncpg.pgproto.pgproto import UUID as parse_uuid  # noqa: N811 - a kind of the library's own, read eight times as fast

from chassis.events.lanes import lane_of
from schemas.event import Event

E = TypeVar("E", bound=Event)
SOURCE_PREFIX = "/klientela/"
LARGEST_NUMBER = 2**63 - 1
POSITION = re.compile(r"(?:(\d{1,19}):)?(\d{1,19})", re.ASCII)
HEADERS = (
    "ce_id", "ce_type", "ce_subject", "ce_lane", "ce_sequence", "ce_incarnation", "ce_subjectversion",
    "ce_correlationid", "ce_causationid", "ce_causationplace", "ce_hops", "ce_actor",
)  # fmt: skip
"""What differs from record to record, in the order of ``LINE``; an actor may be any text, so it comes last."""
LINE = """convert_to(concat_ws(chr(31), e.id, e.type, e.subject, e.lane, e.sequence, e.incarnation, e.version,
    e.correlation, coalesce(e.causation::text, ''), e.cause_place, e.hops, e.actor), 'UTF8')"""
"""An event's headers as the database writes them out, beside the relay, which has a core to fill by itself."""


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
        found = POSITION.fullmatch(text)
        position = cls(int(found[1] or 0), int(found[2])) if found else None
        if position is None or max(position) > LARGEST_NUMBER:
            message = "not incarnation:sequence"
            raise ValueError(message)
        return position


class Cause(NamedTuple):
    """What made something happen: an event at its place, a timer's firing, a command, or an accepted message."""

    id: UUID
    correlation: UUID
    source: str = ""
    lane: int = 0
    sequence: int = 0
    hops: int = 0
    actor: str = ""
    incarnation: int = 0
    at: datetime | None = None

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
        return Cause(
            self.id, self.correlation, self.source, self.lane, self.sequence, self.hops + 1, self.actor,
            self.incarnation, self.at,
        )  # fmt: skip

    def headers(self) -> list[tuple[str, bytes]]:
        """Return the Kafka headers of the record."""
        texts = (
            self.id, self.type, self.subject, self.lane, self.sequence, self.incarnation, self.version,
            self.correlation, self.causation or "", self.cause_place, self.hops, self.actor,
        )  # fmt: skip
        return _headers(self.source, self.at, (str(text).encode() for text in texts))

    def as_json(self) -> dict[str, Any]:
        """Return what the feed serves: attributes by their CloudEvents names, the body untouched under ``data``."""
        return {
            "id": self.id, "type": self.type, "source": self.source, "subject": self.subject, "time": self.at,
            "partitionkey": self.key, "lane": self.lane, "sequence": self.sequence,
            "incarnation": self.incarnation, "subjectversion": self.version, "correlationid": self.correlation,
            "causationid": self.causation, "causationplace": self.cause_place, "hops": self.hops,
            "actor": self.actor, "data": orjson.Fragment(self.body),
        }  # fmt: skip


def headers_of(source: str, at: datetime, line: bytes) -> list[tuple[str, bytes]]:
    """Return the Kafka headers of an event, those of its record, from its ``LINE``."""
    return _headers(source, at, line.split(b"\x1f", len(HEADERS) - 1))


def _headers(source: str, at: datetime, values: Iterable[bytes]) -> list[tuple[str, bytes]]:
    return [
        ("ce_specversion", b"1.0"),
        ("content-type", b"application/json"),
        ("ce_source", f"{SOURCE_PREFIX}{source}".encode()),
        ("ce_time", at.isoformat().encode()),
        *zip(HEADERS, values, strict=True),
    ]


def event_of(record: Record, kind: type[E]) -> E:
    """Read the event of a record as it is heard here. Raises ValueError when the body is not one of its type."""
    return kind.model_validate_json(record.body).heard(record.id, record.incarnation)


def from_headers(
    source: str, key: bytes | None, headers: Iterable[tuple[str, bytes | None]], body: bytes | None
) -> Record:
    """Read a record that came by Kafka. Raises ValueError or KeyError when it is not one of ours."""
    found = {name: value.decode() for name, value in headers if value is not None}
    causation = found["ce_causationid"]
    record = Record(
        source,
        _number(found["ce_lane"]),
        _number(found["ce_sequence"]),
        _number(found["ce_incarnation"]),
        parse_uuid(found["ce_id"]),
        found["ce_type"],
        parse_uuid((key or b"").decode()),
        parse_uuid(found["ce_subject"]),
        _number(found["ce_subjectversion"]),
        datetime.fromisoformat(found["ce_time"]),
        parse_uuid(found["ce_correlationid"]),
        parse_uuid(causation) if causation else None,
        found["ce_causationplace"],
        _number(found["ce_hops"]),
        found["ce_actor"],
        body or b"",
    )
    if body is None or record.lane != lane_of(record.key) or not record.sequence:
        message = "owners write a body, and number from 1 in the lane of the key"
        raise ValueError(message)
    return record


def _number(text: str) -> int:
    """Read digits, and nothing else that ``int`` takes for a number. Raises ValueError."""
    number = int(text) if text.isdecimal() and text.isascii() else -1
    if not 0 <= number <= LARGEST_NUMBER:
        message = "not a number"
        raise ValueError(message)
    return number


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
