"""If-Match: the version that a change was made for (RFC 9110, section 13.1.1)."""

from typing import Annotated

from fastapi import Depends, Header

from chassis.errors import VersionMismatch

MOST_DIGITS = 18


def expected_version(
    if_match: Annotated[str | None, Header(description="The version that was read", max_length=100)] = None,
) -> int | None:
    """Return the version asked for, quoted or not; nothing if none was sent or any will do.

    Raises VersionMismatch for what no service gave as a version.

    >>> expected_version('W/"7"'), expected_version("7"), expected_version("*"), expected_version()
    (7, 7, None, None)
    """
    text = (if_match or "*").strip().removeprefix("W/").strip('"')
    if text == "*":
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise VersionMismatch
    return int(text)


Expected = Annotated[int | None, Depends(expected_version)]
