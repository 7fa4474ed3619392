"""Where the pages of this service's lists begin."""

from datetime import UTC, datetime
from uuid import UUID

from chassis.web.paging import moment, number, read_cursor, text

EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
NOBODY = UUID(int=0)


def after_moment(cursor: str | None) -> tuple[datetime, UUID]:
    """Return the time and the id that a page begins after. Raises Invalid."""
    at, key = read_cursor(cursor, moment, UUID) if cursor else (EARLIEST, NOBODY)
    return at, key


def after_id(cursor: str | None) -> UUID:
    """Return the id that a page begins after. Raises Invalid."""
    (key,) = read_cursor(cursor, UUID) if cursor else (NOBODY,)
    return key


def after_place(cursor: str | None) -> tuple[int, str]:
    """Return the place and the name that a page begins after. Raises Invalid."""
    place, name = read_cursor(cursor, place_number, text) if cursor else (-1, "")
    return place, name


def after_number(cursor: str | None) -> int:
    """Return the number that a page begins after. Raises Invalid."""
    (after,) = read_cursor(cursor, number) if cursor else (0,)
    return after


def place_number(value: object) -> int:
    """Read a place in the order of statuses. Raises ValueError."""
    place = number(value)
    if abs(place) >= 2**31:
        raise ValueError
    return place
