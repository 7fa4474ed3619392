"""What lists and changes are asked with: cursors into the past, counts, the version that was read."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Header, Query

from chassis.errors import Invalid
from chassis.web.paging import decode_cursor

Count = Annotated[bool, Query(description="Say how many there are in all")]
IfMatch = Annotated[str | None, Header(description="The version that was read")]


def place_of(cursor: str | None) -> tuple[datetime, UUID] | None:
    """Read the (time, id) after which a page begins. Raises Invalid."""
    if cursor is None:
        return None
    at, last = decode_cursor(cursor, 2)
    try:
        return datetime.fromisoformat(at), UUID(last)
    except (ValueError, TypeError, AttributeError) as error:
        message = "cursor: not one that this list gave"
        raise Invalid(message) from error


def expected_version(if_match: str | None) -> int | None:
    """Read the version in an If-Match header, quoted or not. Raises Invalid."""
    text = (if_match or "").strip().removeprefix("W/").strip('"')
    if not text or text == "*":
        return None
    if not text.isdecimal() or len(text) > 18:  # noqa: PLR2004 - as many digits as a version can have
        message = "If-Match: a version is a whole number"
        raise Invalid(message)
    return int(text)
