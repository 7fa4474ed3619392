"""Cursors of lists that are sorted by a time or a place, and an id."""

from datetime import UTC, datetime
from uuid import UUID

from chassis.errors import Invalid
from chassis.web.paging import decode_cursor

EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
NOBODY = UUID(int=0)


def after_moment(cursor: str | None) -> tuple[datetime, UUID]:
    """Return the time and the id that a page begins after. Raises Invalid."""
    if cursor is None:
        return EARLIEST, NOBODY
    moment, key = decode_cursor(cursor, 2)
    try:
        return datetime.fromisoformat(moment).astimezone(UTC), UUID(key)
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise _foreign() from error


def after_id(cursor: str | None) -> UUID:
    """Return the id that a page begins after. Raises Invalid."""
    if cursor is None:
        return NOBODY
    (key,) = decode_cursor(cursor, 1)
    try:
        return UUID(key)
    except (TypeError, ValueError, AttributeError) as error:
        raise _foreign() from error


def after_place(cursor: str | None) -> tuple[int, str]:
    """Return the place and the name that a page begins after. Raises Invalid."""
    if cursor is None:
        return -1, ""
    place, name = decode_cursor(cursor, 2)
    if not isinstance(place, int) or not isinstance(name, str) or "\0" in name or abs(place) > 2**31 - 1:
        raise _foreign()
    return place, name


def after_number(cursor: str | None) -> int:
    """Return the number that a page begins after. Raises Invalid."""
    if cursor is None:
        return 0
    (number,) = decode_cursor(cursor, 1)
    if not isinstance(number, int) or not 0 <= number < 2**63:
        raise _foreign()
    return number


def _foreign() -> Invalid:
    return Invalid("cursor: not one that this list gave")
