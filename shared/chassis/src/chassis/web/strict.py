"""What is refused before an endpoint is asked: bodies that are no JSON, and what nobody there would read."""

import json
import re
from collections.abc import Sequence
from typing import Any

from fastapi import Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Header, Query
from fastapi.routing import APIRoute

from chassis.errors import BusinessError, Invalid, VersionMismatch

JSON = re.compile(r"application/(?:[^/]+\+)?json", re.IGNORECASE)


class UnsupportedMediaType(BusinessError):
    """The body must be JSON: send it with ``Content-Type: application/json``."""

    slug = "unsupported-media-type"
    status = 415


class StrictRequest(Request):
    """A request in whose JSON every name stands once: RFC 8259 leaves open what readers make of two."""

    async def json(self) -> Any:  # noqa: ANN401 - any JSON
        """Return the body. Raises json.JSONDecodeError, which FastAPI answers as an invalid request."""
        if not hasattr(self, "_json"):
            self._json = json.loads(await self.body(), object_pairs_hook=_said_once)
        return self._json


def _said_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        message = "a name stands twice in one object"
        raise json.JSONDecodeError(message, "", 0)
    return found


def check_form(request: Request) -> None:
    """Refuse what the request's route would pass over. Raises UnsupportedMediaType, Invalid, VersionMismatch."""
    route: APIRoute = request.scope["route"]
    media = request.headers.get("content-type", "").partition(";")[0].strip()
    if route.body_field and media and not JSON.fullmatch(media):
        raise UnsupportedMediaType
    if request.query_params:
        _check_query(request, route)
    if request.headers.get("if-match", "*").strip() != "*":
        _check_precondition(request, route)


def _check_query(request: Request, route: APIRoute) -> None:
    known = {field.alias for field in get_flat_params(route.dependant) if isinstance(field.field_info, Query)}
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        message = f"no such query parameter; known here: {', '.join(sorted(known)) or 'none'}"
        raise Invalid(errors=[{"field": name, "message": message} for name in unknown])


def _check_precondition(request: Request, route: APIRoute) -> None:
    """What has no version cannot have the one that was asked for (RFC 9110, section 13.1.1)."""
    read = {field.alias for field in get_flat_params(route.dependant) if isinstance(field.field_info, Header)}
    if request.method != "GET" and "if-match" not in read:
        raise VersionMismatch
