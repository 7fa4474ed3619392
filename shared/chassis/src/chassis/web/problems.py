"""Errors as RFC 9457 problem+json: ``type`` ends in a stable slug, ``errors`` lists the fields at fault."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from chassis.database import COLLISIONS, TROUBLE
from chassis.errors import BusinessError, place_of

TYPE_PREFIX = "https://klientela.invalid/problems/"
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
    headers = {"Retry-After": str(retry_after)} if retry_after else None
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def answer_with_problems(app: FastAPI) -> None:
    """Make an application answer every error as a problem."""
    app.add_exception_handler(BusinessError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    for trouble in (*TROUBLE, *COLLISIONS):
        app.add_exception_handler(trouble, _unavailable)
    app.add_exception_handler(Exception, _internal)


def _refused(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, BusinessError):
        raise error
    return problem(error.status, error.slug, str(error), error.errors)


def _invalid(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    errors = [
        {"field": ".".join(str(part) for part in fault["loc"] if part != "body"), "message": fault["msg"]}
        for fault in error.errors()
    ]
    return problem(422, "invalid-request", "Some fields are not as they must be.", errors)


def _http(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    slug = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    return problem(error.status_code, slug, str(error.detail))


def _unavailable(request: Request, error: Exception) -> JSONResponse:
    log.warning("request met trouble", path=request.url.path, error=type(error).__name__)
    return problem(503, "try-again", "The service could not finish this just now; nothing was changed.", retry_after=1)


def _internal(request: Request, error: Exception) -> JSONResponse:
    log.error("request failed", path=request.url.path, error=type(error).__name__, at=place_of(error))
    return problem(500, "internal-error", "Something went wrong on our side; nothing was changed.")
