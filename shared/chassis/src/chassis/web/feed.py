"""The event feed: the log over HTTP, for mending holes, first fills, back-tests and integrators without Kafka.

Pages of a lane end where publishing has come to, so whoever reads them is never ahead of Kafka. One event, and those of
a subject, are answered from the database, which is the truth: ``explain`` must not depend on Kafka's health. There
``published`` tells whether the pages and Kafka have the event, too.
"""

from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Path, Query, Response

from chassis.errors import Invalid, NotFound
from chassis.events.lanes import LANES
from chassis.events.log import Stored, Subject, count_subject, read_heads, read_page, read_record, read_subject
from chassis.events.record import LARGEST_NUMBER, Position
from chassis.points import reach
from chassis.web.paging import Count, Cursor, Limit, Page, moment, number, page_of, read_cursor
from chassis.web.route import Reads, router

routes = router("events")
Lane = Annotated[int, Query(ge=0, lt=LANES)]


@routes.get("/events")
async def page_of_events(
    unit: Reads, lane: Lane, after: str = "0:0", limit: Annotated[int, Query(ge=1, le=1_000)] = 500
) -> Response:
    """Return the published events of a lane after ``incarnation:sequence``, and the position reached with them."""
    try:
        position = Position.parse(after)
    except ValueError as error:
        raise Invalid(errors=[{"field": "after", "message": "must be incarnation:sequence"}]) from error
    page = await read_page(unit.connection, unit.source, lane, position, limit)
    reach("feed.page")
    return _json({
        "items": [record.as_json() for record in page.records],
        "resumed": page.resumed,
        "position": str(page.position),
        "known": page.known,
    })  # fmt: skip


@routes.get("/events/heads")
async def heads_of_lanes(unit: Reads) -> Response:
    """Return for every lane its incarnation, its last number, and how much of it is published."""
    heads = await read_heads(unit.connection)
    return _json({"heads": {str(lane): head._asdict() for lane, head in heads.items()}})


@routes.get("/events/{lane}/{sequence}")
async def one_event(
    unit: Reads, lane: Annotated[int, Path(ge=0, lt=LANES)], sequence: Annotated[int, Path(ge=1, le=LARGEST_NUMBER)]
) -> Response:
    """Return one event by its place, also one that is written and not yet published."""
    stored = await read_record(unit.connection, unit.source, lane, sequence)
    if stored is None:
        raise NotFound
    return _json(stored.as_json())


@routes.get("/subjects/{subject}/events", response_model=Page[dict[str, Any]])
async def events_of_subject(
    unit: Reads,
    subject: UUID,
    kind: Annotated[list[str] | None, Query(alias="type")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    *,
    count: Count = False,
) -> Response:
    """Return the events about one subject, the newest first, also those that are written and not yet published."""
    about = Subject(subject, kind or [])
    before = read_cursor(cursor, number, moment, number, number) if cursor else None
    rows = await read_subject(unit.connection, unit.source, about, before, limit + 1)
    page = page_of(rows, limit, lambda stored: stored.place, Stored.as_json)
    page.count = await count_subject(unit.connection, about) if count else None
    return _json(page.model_dump())


def _json(content: object) -> Response:
    return Response(orjson.dumps(content, default=str), media_type="application/json")
