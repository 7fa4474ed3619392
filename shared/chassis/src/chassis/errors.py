"""How a request or an event ends when it cannot be done."""

import traceback
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import ClassVar


class BusinessError(Exception):
    """A refusal with a stable slug and an HTTP status; the message is for people and may change.

    Subclasses set ``slug`` and ``status`` where they are declared; ``errors`` lists the fields at fault (RFC 9457), and
    ``retry_after`` says in how many seconds it may be asked again.
    """

    slug: ClassVar[str] = "refused"
    status: ClassVar[int] = 409

    def __init__(self, message: str = "", errors: Sequence[Mapping[str, object]] = (), *, retry_after: int = 0) -> None:
        super().__init__(message or (self.__doc__ or "").strip().splitlines()[0])
        self.errors, self.retry_after = list(errors), retry_after


class NotFound(BusinessError):
    """There is no such thing."""

    slug = "not-found"
    status = 404


class Invalid(BusinessError):
    """The request cannot be understood."""

    slug = "invalid-request"
    status = 422


class VersionMismatch(BusinessError):
    """The thing was changed since you read it (RFC 9110, If-Match)."""

    slug = "version-mismatch"
    status = 412


class EventTooLarge(BusinessError):
    """The event would be over 512 kB and is not written."""

    slug = "event-too-large"
    status = 413


class Rejected(Exception):
    """A handler's verdict: this one event is bad data for me. It goes to the dead letters with this reason."""


class Later(Exception):
    """A handler's verdict: I cannot decide yet. The event is parked, and later events of its key behind it."""


def in_own_words(said: str) -> str:
    """Return what a model found wrong, without what pydantic puts before a model's own sentence.

    >>> in_own_words("Value error, a percentage is at most 100")
    'a percentage is at most 100'
    """
    return said.removeprefix("Value error, ")


def place_of(error: BaseException) -> str:
    """Return where an error was raised, ``module.py:line`` innermost first: what a log may say of it.

    The message stays out: PostgreSQL and pydantic quote the values at fault, and those may be personal data.
    """
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return " < ".join(f"{PurePath(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
