"""Where the pages of lists begin that show the newest first."""

from datetime import datetime
from uuid import UUID

from chassis.web.paging import moment, read_cursor


def before(cursor: str | None) -> tuple[datetime, UUID] | None:
    """Return the time and the id of the last one shown. Raises Invalid."""
    if cursor is None:
        return None
    at, last = read_cursor(cursor, moment, UUID)
    return at, last
