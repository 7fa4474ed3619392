"""Idempotency-Key: what was asked twice is done once, and answered with what was said the first time."""

import hashlib
from typing import Annotated

from fastapi import Header, Request, Response

from chassis.database import Database
from chassis.errors import BusinessError
from chassis.events.unit import Unit

DAYS_KEPT = 30
"""An answer may hold personal data, so it is kept no longer than somebody could still be trying."""
FORGOTTEN_AT_ONCE = 1_000

IdempotencyKey = Annotated[
    str | None,
    Header(min_length=1, max_length=200, description="A name for this request: under it, it is done once"),
]


class IdempotencyKeyReused(BusinessError):
    """The Idempotency-Key was used before with another request."""

    slug = "idempotency-key-reused"
    status = 409


class ShownBefore(BusinessError):
    """This was done before, and its answer held a secret that is shown once and kept nowhere."""

    slug = "shown-once"
    status = 409


class Answered(Exception):
    """The same request was answered before; here is that answer."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__()
        self.status, self.body = status, body


def show_once(request: Request) -> None:
    """Say that this answer holds a secret: a repeated Idempotency-Key does nothing again, and shows it to nobody."""
    request.state.shown_once = True


async def recall(unit: Unit, request: Request, key: str) -> None:
    """Take a key for this request, unless it is taken. Raises Answered, ShownBefore and IdempotencyKeyReused."""
    digest, actor = await _hash(request), str(request.state.key.id)
    new = await unit.connection.fetchval(
        "insert into chassis.idempotency (actor, key, request_hash, status, body) values ($1, $2, $3, 0, '')"
        " on conflict do nothing returning true",
        actor,
        key,
        digest,
    )
    if new:
        request.state.idempotency_key = key
        return
    known = await unit.connection.fetchrow(
        "select request_hash, status, body from chassis.idempotency where actor = $1 and key = $2", actor, key
    )
    if known is None or known["request_hash"] != digest:
        raise IdempotencyKeyReused
    if not known["body"]:
        raise ShownBefore
    raise Answered(known["status"], known["body"])


async def remember(unit: Unit, request: Request, response: Response) -> None:
    """Keep the answer to a request that took a key."""
    key = getattr(request.state, "idempotency_key", None)
    if key:
        await unit.connection.execute(
            "update chassis.idempotency set status = $3, body = $4 where actor = $1 and key = $2",
            str(request.state.key.id),
            key,
            response.status_code,
            b"" if getattr(request.state, "shown_once", False) else bytes(response.body),
        )


async def forget_answers(database: Database) -> None:
    """Delete the answers that nobody will ask for any more, some at a time."""
    while await database.pool.fetchval(
        "with gone as (delete from chassis.idempotency where (actor, key) in (select actor, key"
        " from chassis.idempotency where created_at < now() - make_interval(days => $1) order by created_at limit $2"
        " for update skip locked) returning 1) select count(*) from gone",
        DAYS_KEPT,
        FORGOTTEN_AT_ONCE,
    ):
        pass


async def _hash(request: Request) -> bytes:
    said = f"{request.method} {request.url.path}?{request.url.query}\n".encode() + await request.body()
    return hashlib.sha256(said).digest()
