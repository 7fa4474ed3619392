"""A raw message as it is kept: a line of what the door knew (time, channel's settings), then the body as it came.

So reading a message is a pure function of what is kept, today and when a dead letter is tried again.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple, NoReturn
from uuid import UUID

from pydantic import AwareDatetime, ValidationError

from chassis.errors import Rejected, in_own_words
from chassis.service import Intake
from orders.domain.channel import MetaKeys
from schemas.event import Value

MARK = b"klientela "
"""No JSON begins with it: a body without it came without an envelope."""


class Door(Value):
    """What was known when a message came in."""

    received_at: AwareDatetime | None = None
    delivery: str = ""
    settings: MetaKeys = MetaKeys()


class Letter(NamedTuple):
    """A raw message out of its envelope."""

    door: Door
    body: bytes

    @property
    def hash(self) -> str:
        """What tells two bodies of one moment apart."""
        return hashlib.sha256(self.body).hexdigest()[:32]

    @property
    def received_at(self) -> datetime:
        """When it came in. Raises Rejected if nobody noted it."""
        if self.door.received_at is None:
            message = "nobody noted when it came"
            raise Rejected(message)
        return self.door.received_at


def wrap(body: bytes, received_at: datetime, settings: MetaKeys | None = None, delivery: str = "") -> bytes:
    """Put a raw body into its envelope.

    >>> from datetime import UTC
    >>> unwrap(wrap(b"{}", datetime(2026, 10, 1, tzinfo=UTC))).body
    b'{}'
    """
    door = Door(received_at=received_at, delivery=delivery, settings=settings or MetaKeys())
    return MARK + door.model_dump_json(exclude_defaults=True).encode() + b"\n" + body


def unwrap(kept: bytes) -> Letter:
    """Take a raw body out of its envelope."""
    if not kept.startswith(MARK):
        return Letter(Door(), kept)
    line, _, body = kept.removeprefix(MARK).partition(b"\n")
    return Letter(Door.model_validate_json(line), body)


def channel_of(intake: Intake) -> UUID:
    """Return the channel that a raw message came by. Raises Rejected if none is known."""
    if intake.origin is None:
        message = "no channel is known for it"
        raise Rejected(message)
    return intake.origin


def read_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object with exact decimals. Raises Rejected for what is not one."""
    try:
        value = json.loads(body.decode(), parse_float=Decimal, parse_constant=_no_number)
    except UnicodeDecodeError as error:
        message = "not UTF-8"
        raise Rejected(message) from error
    except (ValueError, ArithmeticError, RecursionError) as error:  # an exponent may be beyond what decimals can have
        message = "not JSON"
        raise Rejected(message) from error
    if not isinstance(value, dict):
        message = "not a JSON object"
        raise Rejected(message)
    return value


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turn what a model finds wrong into a Rejected that names the fields and never their contents."""
    try:
        yield
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
        told = (": ".join(filter(None, (_place(f["loc"]), in_own_words(f["msg"])))) for f in faults[:20])
        raise Rejected("; ".join(told)) from None


def _place(names: Iterable[int | str]) -> str:
    return ".".join(map(str, names))


def _no_number(name: str) -> NoReturn:
    message = f"{name} is no number"
    raise ValueError(message)
