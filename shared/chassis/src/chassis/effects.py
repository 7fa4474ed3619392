"""What a decision may ask for besides events: to be woken later, or to go to everybody in turn.

Pure values, so that domains may name them.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class SetTimer(NamedTuple):
    """Wake ``kind`` for ``subject`` when ``due`` has come; an earlier timer of the two is replaced.

    ``key`` is that of the events it will lead to, if it is not the subject: timers of one lane fire together.
    """

    kind: str
    subject: UUID
    due: datetime
    key: UUID | None = None


class CancelTimer(NamedTuple):
    """Do not wake ``kind`` for ``subject`` any more.

    One that is due together with the timer that cancels it may still fire.
    """

    kind: str
    subject: UUID


class TimerFired(NamedTuple):
    """What a timer's handler gets: the time that was asked for has come."""

    kind: str
    subject: UUID
    due: datetime

    @property
    def type(self) -> str:
        """What its handlers are registered for."""
        return f"timer:{self.kind}"


class StartJob(NamedTuple):
    """Do ``kind`` for everybody, because of ``subject``; a job of the kind that still runs begins anew."""

    kind: str
    subject: UUID


class Restate(NamedTuple):
    """What a subject's owner is asked for after a rewind: farewells under ``keys`` it does not have, then its state."""

    kind: str
    subject: UUID
    keys: tuple[UUID, ...]

    @property
    def type(self) -> str:
        """What its handlers are registered for."""
        return f"restate:{self.kind}"


class Turn(NamedTuple):
    """What a job's handler gets: it is the turn of ``key``."""

    kind: str
    subject: UUID
    key: UUID

    @property
    def type(self) -> str:
        """What its handlers are registered for."""
        return f"job:{self.kind}"
