"""Keyset pages: a cursor is the sort key of the last row, so a page costs the same wherever it is."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

import orjson
from fastapi import Query
from pydantic import BaseModel

from chassis.errors import Invalid

T = TypeVar("T")
Limit = Annotated[int, Query(ge=1, le=500, description="How many items at the most")]
Cursor = Annotated[str | None, Query(description="The `next` of the page before", max_length=2_000)]


class Page(BaseModel, Generic[T]):
    """One page of a list; ``next`` leads to the following one, ``count`` is exact and there when asked for."""

    items: list[T]
    next: str | None = None
    count: int | None = None


def encode_cursor(*values: object) -> str:
    """Turn the sort key of the last row into a cursor.

    >>> decode_cursor(encode_cursor("Novák", 7), 2)
    ['Novák', 7]
    """
    return base64.urlsafe_b64encode(orjson.dumps(values, default=str)).decode()


def decode_cursor(cursor: str, width: int) -> list[Any]:
    """Read a cursor of ``width`` values. Raises Invalid for one that is not ours."""
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
    except (ValueError, binascii.Error) as error:
        message = "cursor: not one that a page gave"
        raise Invalid(message) from error
    if not isinstance(values, list) or len(values) != width:
        message = "cursor: not one that this list gave"
        raise Invalid(message)
    return values


def page_of(
    rows: Sequence[Any], limit: int, key: Callable[[Any], Sequence[object]], item: Callable[[Any], T]
) -> Page[T]:
    """Make a page of rows that were fetched with ``limit + 1``."""
    shown = rows[:limit]
    following = encode_cursor(*key(shown[-1])) if len(rows) > limit else None
    return Page(items=[item(row) for row in shown], next=following)
