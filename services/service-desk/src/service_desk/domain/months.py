"""Calendar months in the time of the firm: Europe/Prague."""

from calendar import monthrange
from datetime import MAXYEAR, UTC, datetime
from zoneinfo import ZoneInfo

from chassis.errors import Rejected

PRAGUE = ZoneInfo("Europe/Prague")


def months_later(moment: datetime, months: int) -> datetime:
    """Return the same local time some calendar months later, on the month's last day where it has no such day.

    Raises Rejected beyond the calendar.

    >>> months_later(datetime(2024, 3, 31, 10, tzinfo=UTC), 11).isoformat()
    '2025-02-28T11:00:00+00:00'
    """
    local = moment.astimezone(PRAGUE)
    years, month = divmod(local.month - 1 + months, 12)
    year = local.year + years
    if year >= MAXYEAR:
        reason = "a date beyond the calendar"
        raise Rejected(reason)
    day = min(local.day, monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day, fold=0).astimezone(UTC)
