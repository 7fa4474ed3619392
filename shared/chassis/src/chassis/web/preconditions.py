"""ETag, If-Match and If-None-Match: the version that was read, and that a change is made for (RFC 9110, section 13)."""

import hashlib
from typing import Annotated, Any

import orjson
from fastapi import Depends, Header, Request, Response

from chassis.errors import VersionMismatch

MOST_DIGITS = 18
UNCHANGED = {"description": "Nothing is new since the version that you have"}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The ETag of what you have",
}


def expected_version(
    if_match: Annotated[str | None, Header(description="The ETag or the version that was read", max_length=100)] = None,
) -> int | None:
    """Return the version asked for, quoted or not; nothing if none was sent or any will do.

    Raises VersionMismatch for what no service gave as a version.

    >>> expected_version('W/"7"'), expected_version("7"), expected_version('"7-1f"'), expected_version("*")
    (7, 7, 7, None)
    """
    text = (if_match or "*").strip().removeprefix("W/").strip('"').partition("-")[0]
    if text == "*":
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise VersionMismatch
    return int(text)


Expected = Annotated[int | None, Depends(expected_version)]


def has_version(model: Any) -> bool:  # noqa: ANN401 - whatever an endpoint says that it returns
    """Tell whether answers of a model are one thing with a version."""
    return "version" in getattr(model, "model_fields", ())


def tagged(request: Request, response: Response, model: Any) -> Response:  # noqa: ANN401 - see above
    """Return the answer with its ETag; 304 without a body when a reader says it has that one.

    The ETag is the version. A model that shows more than its version tells (sums over other things, what holds now)
    sets ``version_tells_all = False``: there a digest of what is shown follows the version.
    """
    body = bytes(response.body)
    tag = str(orjson.loads(body)["version"])
    if not getattr(model, "version_tells_all", True):
        tag += "-" + hashlib.sha256(body).hexdigest()[:16]
    response.headers["ETag"] = f'"{tag}"'
    known = request.headers.get("if-none-match", "") if request.method == "GET" else ""
    if known.strip() == "*" or f'"{tag}"' in (part.strip().removeprefix("W/") for part in known.split(",")):
        return Response(status_code=304, headers={"ETag": f'"{tag}"'})
    return response
