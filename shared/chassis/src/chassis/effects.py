"""What a decision may ask for besides events: to be woken later. Pure values, so that domains may name them."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class SetTimer(NamedTuple):
    """Wake ``kind`` for ``subject`` when ``due`` has come; an earlier timer of the two is replaced."""

    kind: str
    subject: UUID
    due: datetime


class CancelTimer(NamedTuple):
    """Do not wake ``kind`` for ``subject`` any more."""

    kind: str
    subject: UUID


class TimerFired(NamedTuple):
    """What a timer's handler gets: the time that was asked for has come."""

    kind: str
    subject: UUID
    due: datetime
