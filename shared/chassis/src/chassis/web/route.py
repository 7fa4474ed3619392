"""One request, one transaction: authorised inside it before any write, committed before the answer leaves.

An endpoint asks for ``unit: Writes`` (or ``Manages``, ``Administers``) or ``unit: Reads`` and never commits itself.
"""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, APIRouter
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param

from chassis.database import Database
from chassis.errors import BusinessError
from chassis.events.unit import Unit, command_cause, unit_of_work
from chassis.web.idempotency import Answered, IdempotencyKey, recall, remember
from chassis.web.keys import BadKey, Key, KeyReader
from chassis.web.openapi import PROBLEMS
from chassis.web.preconditions import IF_NONE_MATCH, UNCHANGED, has_version, tagged
from chassis.web.rates import Rates
from chassis.web.strict import StrictRequest, check_form

Bearer = Annotated[
    HTTPAuthorizationCredentials | None,
    Depends(HTTPBearer(auto_error=False, scheme_name="key", description="A key of the suite")),
]


class Unauthenticated(BusinessError):
    """A key is needed: send it as "Authorization: Bearer KEY"."""

    slug = "key-needed"
    status = 401


class Forbidden(BusinessError):
    """Your key's role may not do this."""

    slug = "not-allowed"
    status = 403


class Door:
    """Dependency that lets a request in with a role and gives it the unit of work of its request."""

    def __init__(self, role: str) -> None:
        self.role = role

    def look_at_key(self, request: Request) -> None:
        """Turn away who has no good key, or asks too often, before any of the body is read or a connection taken."""
        key = request.state.key = _read_key(request)
        rates: Rates | None = request.app.state.rates
        if rates and key.role != "service":
            rates.take(key.id)

    async def __call__(self, request: Request, bearer: Bearer) -> Unit:  # noqa: ARG002 - what OpenAPI tells of
        """Open the unit, authorise inside it, and refuse what the endpoint would pass over."""
        key: Key = request.state.key
        stack: AsyncExitStack = request.state.stack
        database: Database = request.app.state.database
        cause = command_cause(f"{key.role}:{key.name}", _correlation(request))
        unit = await stack.enter_async_context(unit_of_work(database, request.app.state.service.name, cause))
        await _authorise(unit, key, self.role)
        check_form(request)
        request.state.unit = unit
        return unit


class WritingDoor(Door):
    """A door to changes, which are done once under an Idempotency-Key."""

    async def __call__(self, request: Request, bearer: Bearer, idempotency_key: IdempotencyKey = None) -> Unit:
        """Let the request in, and answer a repeated one with what was said before."""
        unit = await super().__call__(request, bearer)
        if idempotency_key and request.method != "GET":
            await recall(unit, request, idempotency_key)
        return unit


Reads = Annotated[Unit, Depends(Door("viewer"))]
Writes = Annotated[Unit, Depends(WritingDoor("operator"))]
Manages = Annotated[Unit, Depends(WritingDoor("manager"))]
Administers = Annotated[Unit, Depends(WritingDoor("admin"))]


def _read_key(request: Request) -> Key:
    reader: KeyReader = request.app.state.keys
    scheme, token = get_authorization_scheme_param(request.headers.get("authorization"))
    if scheme.lower() != "bearer":
        raise Unauthenticated
    try:
        return reader.read(token.strip())
    except BadKey as error:
        raise Unauthenticated(str(error)) from error


async def _authorise(unit: Unit, key: Key, role: str) -> None:
    if await unit.connection.fetchval("select true from chassis.revoked_keys where id = $1", key.id):
        message = "The key was revoked."
        raise Unauthenticated(message)
    if not key.may(role):
        message = f"this needs the role {role}, the key has {key.role}"
        raise Forbidden(message)


def _correlation(request: Request) -> UUID | None:
    try:
        return UUID(request.headers.get("x-correlation-id", ""))
    except ValueError:
        return None


def door_of(dependant: Dependant) -> Door | None:
    """Return the door of an endpoint, if it has one."""
    if isinstance(dependant.call, Door):
        return dependant.call
    return next(filter(None, map(door_of, dependant.dependencies)), None)


class UnitRoute(APIRoute):
    """A route whose unit of work ends with the answer: kept when it is a success, undone otherwise."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:  # noqa: ANN401 - FastAPI's own
        """Tell in OpenAPI what a reader of a thing with a version may ask."""
        super().__init__(path, endpoint, **options)
        if has_version(self.response_model) and self.methods == {"GET"}:
            self.responses = {304: UNCHANGED, **self.responses}
            self.openapi_extra = {**(self.openapi_extra or {}), "parameters": [IF_NONE_MATCH]}

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """Wrap the endpoint with the unit of its request, and say the version of what it answers with."""
        endpoint: Callable[[Request], Any] = super().get_route_handler()
        model, door = self.response_model, door_of(self.dependant)

        async def answer(request: Request) -> Response:
            try:
                async with AsyncExitStack() as stack:
                    request.state.stack, request.state.unit = stack, None
                    if door:
                        door.look_at_key(request)
                    response: Response = await endpoint(request)
                    if request.state.unit is not None:
                        await remember(request.state.unit, request, response)
            except Answered as known:
                return Response(known.body, known.status, media_type="application/json")
            return response

        async def handle(request: Request) -> Response:
            response = await answer(StrictRequest(request.scope, request.receive))
            return tagged(request, response, model) if has_version(model) else response

        return handle


def router(*tags: str) -> APIRouter:
    """Return a router for a service's own endpoints, all below ``/v1``."""
    return APIRouter(prefix="/v1", route_class=UnitRoute, tags=list(tags), responses=PROBLEMS)
