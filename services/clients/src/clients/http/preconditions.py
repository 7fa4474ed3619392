"""If-Match: the version that a change was made for (RFC 9110)."""

from typing import Annotated

from fastapi import Depends, Header

from chassis.errors import VersionMismatch


def _expected(if_match: Annotated[str | None, Header(description="The version that was read")] = None) -> int | None:
    """Return the version asked for, quoted or not; nothing if none was sent or any will do."""
    if if_match is None or if_match.strip() == "*":
        return None
    version = if_match.strip().removeprefix("W/").strip('"')
    if not version.isascii() or not version.isdigit():
        raise VersionMismatch
    return int(version)


Expected = Annotated[int | None, Depends(_expected)]
