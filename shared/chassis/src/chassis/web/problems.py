"""Errors as RFC 9457 problem+json: ``type`` ends in a stable slug, ``errors`` lists the fields at fault."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import asyncpg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException

from chassis.database import COLLISIONS, TROUBLE
from chassis.errors import BusinessError, in_own_words, place_of

TYPE_PREFIX = "https://klientela.invalid/problems/"
TURNED_AWAY = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
"""What a log tells of, with the key's id if it was a good one: who tries doors is to be seen."""
log = structlog.get_logger()


def problem(
    status: int, slug: str, detail: str = "", errors: Sequence[Mapping[str, object]] = (), retry_after: int = 0
) -> JSONResponse:
    """Return a problem response."""
    body: dict[str, object] = {
        "type": TYPE_PREFIX + slug, "title": HTTPStatus(status).phrase, "status": status, "detail": detail,
    }  # fmt: skip
    if errors:
        body["errors"] = list(errors)
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return ProblemResponse(body, status, headers)


class ProblemResponse(JSONResponse):
    """A problem; it may quote what was sent, and that need not be Unicode."""

    media_type = "application/problem+json"

    def render(self, content: object) -> bytes:
        """Return JSON in which lone surrogates are question marks."""
        return json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")


def answer_with_problems(app: FastAPI) -> None:
    """Make an application answer every error as a problem."""
    app.add_exception_handler(BusinessError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    for trouble in (*TROUBLE, *COLLISIONS):
        app.add_exception_handler(trouble, _unavailable)
    app.add_exception_handler(asyncpg.DataError, _unfit)
    app.add_exception_handler(Exception, _internal)


def _refused(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, BusinessError):
        raise error
    if error.status in TURNED_AWAY:
        key = getattr(request.state, "key", None)
        log.warning("turned away", route=_route(request), problem=error.slug, key=str(key.id) if key else None)
    return problem(error.status, error.slug, str(error), error.errors, error.retry_after)


def _invalid(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    faults = error.errors()
    errors = [{"field": _field(fault, error.body), "message": in_own_words(fault["msg"])} for fault in faults]
    made_here = request.method == "PUT"
    if not made_here and any(fault["loc"][0] == "path" for fault in faults):
        return problem(404, "not-found", "There is nothing at this address: a part of it is not as it must be.", errors)
    return problem(422, "invalid-request", "Some fields are not as they must be.", errors)


def _field(fault: Mapping[str, Any], sent: Any) -> str:  # noqa: ANN401 - whatever was sent
    """Return a fault's place as the caller wrote it: without the names that models give to their alternatives."""
    where, *parts = fault["loc"]
    if where != "body":
        return ".".join(map(str, parts))
    place = []
    for part in parts:
        if (isinstance(sent, dict) and part in sent) or (isinstance(sent, list) and isinstance(part, int)):
            place.append(part)
            sent = sent[part]
    if fault["type"] == "missing":
        place += parts[-1:]
    return ".".join(map(str, place)) or "body"


def _http(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    slug = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    response = problem(error.status_code, slug, str(error.detail))
    response.headers.update(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        response.headers["Allow"] = ", ".join(_methods(request))
    return response


def _methods(request: Request) -> list[str]:
    """Return what may be done at an address; each of its routes by itself knows only its own method."""
    routes = iter_route_contexts(request.app.routes)
    here = (route for route in routes if route.path_regex.match(request.scope["path"]))
    return sorted({method for route in here for method in route.methods or ()})


def _route(request: Request) -> str:
    """Return the route that was asked, which a log may name: an address may hold what a caller wrote into it."""
    return getattr(request.scope.get("route"), "path", "")


def _unfit(request: Request, error: Exception) -> JSONResponse:
    """Answer what the database cannot hold: NUL, lone surrogates, numbers out of range, a cursor of another list."""
    log.warning("request does not fit", route=_route(request), error=type(error).__name__, at=place_of(error))
    return problem(422, "invalid-request", "Some value is not one that can be kept: NUL, half a character, too large.")


def _unavailable(request: Request, error: Exception) -> JSONResponse:
    log.warning("request met trouble", route=_route(request), error=type(error).__name__)
    return problem(
        503,
        "try-again",
        "The service could not finish this just now. Try again: with the same Idempotency-Key it is done once.",
        retry_after=1,
    )


def _internal(request: Request, error: Exception) -> JSONResponse:
    log.error("request failed", route=_route(request), error=type(error).__name__, at=place_of(error))
    return problem(500, "internal-error", "Something went wrong on our side; nothing was changed.")
