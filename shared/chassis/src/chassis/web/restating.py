"""Restating: after a rewind, whoever holds numbers that were taken back asks how their subjects are now."""

from collections import defaultdict
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from chassis.consume.outcomes import decide_or_bury
from chassis.effects import Restate
from chassis.events.record import Cause
from chassis.events.unit import Unit
from chassis.service import Message
from chassis.web.route import Door, router
from schemas.ids import derive

routes = router("events")
Serves = Annotated[Unit, Depends(Door("service"))]
MOST = 500


class Seen(BaseModel):
    """One subject by the type of an event that told of it, and the key it was told under."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(max_length=200)
    key: UUID
    subject: UUID


class Question(BaseModel):
    """What was heard under numbers that the log no longer has."""

    model_config = ConfigDict(extra="forbid")

    seen: list[Seen] = Field(max_length=MOST)


class Answer(BaseModel):
    """How many subjects were told anew. Others are dead letters here, or have no copies anywhere."""

    restated: int


@routes.post("/events/restate")
async def restate(request: Request, unit: Serves, question: Question) -> Answer:
    """Tell anew of subjects: farewell under every key that is not the present one, then the present state."""
    service = request.app.state.service
    keys: dict[tuple[str, UUID], set[UUID]] = defaultdict(set)
    for seen in question.seen:
        if kind := service.restates.get(seen.type):
            keys[kind, seen.subject].add(seen.key)
    asked = [Restate(kind, subject, tuple(sorted(under))) for (kind, subject), under in sorted(keys.items())]
    messages = [_message(each, unit.cause) for each in asked]
    refused = await decide_or_bury(unit, service, "restate", messages, careful=True)
    return Answer(restated=len(asked) - refused)


def _message(asked: Restate, cause: Cause) -> Message:
    """Return a question as it is decided, under a cause of its own, so that what fails is a letter of its own."""
    cause = cause._replace(id=derive(cause.id, asked.kind, asked.subject))
    return Message(asked, cause, asked.type, (asked, cause))
