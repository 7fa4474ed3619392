"""Keyset pages: a cursor is the sort key of the last row, so a page costs the same wherever it is."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

import orjson
from fastapi import Query
from pydantic import BaseModel, Field

from chassis.errors import Invalid

T = TypeVar("T")
Limit = Annotated[int, Query(ge=1, le=500, description="How many items at the most")]
Count = Annotated[bool, Query(description="Say how many there are in all")]
Cursor = Annotated[str | None, Query(description="The `next` of the page before", max_length=2_000)]


class Page(BaseModel, Generic[T]):
    """One page of a list; ``next`` leads to the following one, ``count`` is exact and there when asked for."""

    items: list[T]
    next: str | None = None
    count: int | None = Field(None, exclude_if=lambda count: count is None)


def encode_cursor(*values: object) -> str:
    """Turn the sort key of the last row into a cursor.

    >>> read_cursor(encode_cursor("Novák", 7), text, number)
    ['Novák', 7]
    """
    return base64.urlsafe_b64encode(orjson.dumps(values, default=str)).decode()


def read_cursor(cursor: str, *readers: Callable[[Any], Any]) -> list[Any]:
    """Read a cursor's values, each with its reader. Raises Invalid for one that this list did not give.

    >>> read_cursor(encode_cursor("Novák", 7), text, number)
    ['Novák', 7]
    """
    try:
        values = iter(orjson.loads(base64.urlsafe_b64decode(cursor.encode("ascii"))))
        return [read(value) for read, value in zip(readers, values, strict=True)]
    except (ValueError, TypeError, AttributeError, OverflowError, binascii.Error) as error:
        raise Invalid(errors=[{"field": "cursor", "message": "not one that this list gave"}]) from error


def number(value: Any) -> int:  # noqa: ANN401 - whatever stood in the cursor
    """Read a whole number from zero that PostgreSQL's bigint holds. Raises ValueError."""
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError
    return value


def text(value: Any) -> str:  # noqa: ANN401 - whatever stood in the cursor
    """Read a text that PostgreSQL holds. Raises ValueError."""
    if not isinstance(value, str) or "\0" in value:
        raise ValueError
    return value


def moment(value: Any) -> datetime:  # noqa: ANN401 - whatever stood in the cursor
    """Read a moment with its offset. Raises ValueError and TypeError."""
    return datetime.fromisoformat(value).astimezone(UTC)


def page_of(
    rows: Sequence[Any], limit: int, key: Callable[[Any], Sequence[object]], item: Callable[[Any], T]
) -> Page[T]:
    """Make a page of rows that were fetched with ``limit + 1``."""
    shown = rows[:limit]
    following = encode_cursor(*key(shown[-1])) if len(rows) > limit else None
    return Page(items=[item(row) for row in shown], next=following)
