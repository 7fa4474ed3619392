"""One request, one transaction: authorised inside it before any write, committed before the answer leaves.

An endpoint asks for ``unit: Writes`` (or ``Manages``, ``Administers``) or ``unit: Reads`` and never commits itself.
"""

import hashlib
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Annotated, Any, ClassVar
from uuid import UUID

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute, APIRouter

from chassis.database import Database
from chassis.errors import BusinessError, Invalid
from chassis.events.unit import Unit, command_cause, unit_of_work
from chassis.web.keys import BadKey, Key, KeyReader

LONGEST_IDEMPOTENCY_KEY = 200


class Unauthenticated(BusinessError):
    """A key is needed: send it as ``Authorization: Bearer KEY``."""

    slug = "key-needed"
    status = 401


class Forbidden(BusinessError):
    """Your key's role may not do this."""

    slug = "not-allowed"
    status = 403


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


class Door:
    """Dependency that lets a request in with a role and gives it the unit of work of its request."""

    def __init__(self, role: str) -> None:
        self.role = role

    async def __call__(self, request: Request) -> Unit:
        """Open the unit, authorise inside it, and answer a repeated Idempotency-Key with what was said before."""
        key = read_key(request)
        stack: AsyncExitStack = request.state.stack
        database: Database = request.app.state.database
        cause = command_cause(f"{key.role}:{key.name}", _correlation(request))
        unit = await stack.enter_async_context(unit_of_work(database, request.app.state.service.name, cause))
        request.state.key = key
        await _authorise(unit, key, self.role)
        await _recall(unit, key, request)
        request.state.unit = unit
        return unit


Reads = Annotated[Unit, Depends(Door("viewer"))]
Writes = Annotated[Unit, Depends(Door("operator"))]
Manages = Annotated[Unit, Depends(Door("manager"))]
Administers = Annotated[Unit, Depends(Door("admin"))]


def read_key(request: Request) -> Key:
    """Return who asks. Raises Unauthenticated."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    reader: KeyReader = request.app.state.keys
    if scheme.lower() != "bearer":
        raise Unauthenticated
    try:
        return reader.read(token.strip())
    except BadKey as error:
        raise Unauthenticated(str(error)) from error


async def _authorise(unit: Unit, key: Key, role: str) -> None:
    if await unit.connection.fetchval("select true from chassis.revoked_keys where id = $1", key.id):
        message = "the key was revoked"
        raise Unauthenticated(message)
    if not key.may(role):
        message = f"this needs the role {role}, the key has {key.role}"
        raise Forbidden(message)


def _correlation(request: Request) -> UUID | None:
    try:
        return UUID(request.headers.get("x-correlation-id", ""))
    except ValueError:
        return None


def _idempotency_key(request: Request) -> str:
    name = request.headers.get("idempotency-key", "") if request.method != "GET" else ""
    if len(name) > LONGEST_IDEMPOTENCY_KEY:
        message = f"Idempotency-Key: at most {LONGEST_IDEMPOTENCY_KEY} characters"
        raise Invalid(message)
    return name


async def _hash(request: Request) -> bytes:
    said = f"{request.method} {request.url.path}?{request.url.query}\n".encode() + await request.body()
    return hashlib.sha256(said).digest()


async def _recall(unit: Unit, key: Key, request: Request) -> None:
    name = _idempotency_key(request)
    if not name:
        return
    digest = await _hash(request)
    new = await unit.connection.fetchval(
        "insert into chassis.idempotency (actor, key, request_hash, status, body) values ($1, $2, $3, 0, '')"
        " on conflict do nothing returning true",
        str(key.id),
        name,
        digest,
    )
    if new:
        return
    known = await unit.connection.fetchrow(
        "select request_hash, status, body from chassis.idempotency where actor = $1 and key = $2", str(key.id), name
    )
    if known is None or known["request_hash"] != digest:
        raise IdempotencyKeyReused
    if not known["body"]:
        raise ShownBefore
    raise Answered(known["status"], known["body"])


async def _remember(unit: Unit, request: Request, response: Response) -> None:
    name = _idempotency_key(request)
    if name:
        await unit.connection.execute(
            "update chassis.idempotency set status = $3, body = $4 where actor = $1 and key = $2",
            str(request.state.key.id),
            name,
            response.status_code,
            b"" if getattr(request.state, "shown_once", False) else bytes(response.body),
        )


async def _show_once(request: Request) -> None:
    request.state.shown_once = True


SHOWN_ONCE = Depends(_show_once)
"""For endpoints whose answer holds a secret: a repeated Idempotency-Key does nothing again, and shows it to nobody."""


class UnitRoute(APIRoute):
    """A route whose unit of work ends with the answer: kept when it is a success, undone otherwise."""

    json: ClassVar[str] = "application/json"

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """Wrap the endpoint with the unit of its request."""
        endpoint: Callable[[Request], Any] = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                async with AsyncExitStack() as stack:
                    request.state.stack, request.state.unit = stack, None
                    response: Response = await endpoint(request)
                    if request.state.unit is not None:
                        await _remember(request.state.unit, request, response)
            except Answered as known:
                return Response(known.body, known.status, media_type=self.json)
            return response

        return handle


def router(*tags: str) -> APIRouter:
    """Return a router for a service's own endpoints, all below ``/v1``."""
    return APIRouter(prefix="/v1", route_class=UnitRoute, tags=list(tags))
