"""The event feed: the log over HTTP, for mending holes, first fills, back-tests and integrators without Kafka."""

from typing import Annotated
from uuid import UUID

import orjson
from fastapi import Path, Query, Response

from chassis.errors import Invalid, NotFound
from chassis.events.lanes import LANES
from chassis.events.log import read_heads, read_page, read_record, read_subject
from chassis.events.record import LARGEST_NUMBER, Position
from chassis.points import reach
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
        message = "after: must be incarnation:sequence"
        raise Invalid(message) from error
    page = await read_page(unit.connection, unit.source, lane, position, limit)
    reach("feed.page")
    return _json({
        "items": [record.as_json() for record in page.records],
        "resumed": page.resumed,
        "position": str(page.position),
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
    """Return one event by its place."""
    record = await read_record(unit.connection, unit.source, lane, sequence)
    if record is None:
        raise NotFound
    return _json(record.as_json())


@routes.get("/subjects/{subject}/events")
async def events_of_subject(
    unit: Reads,
    subject: UUID,
    kind: Annotated[list[str] | None, Query(alias="type")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """Return the latest events about one subject, the newest first."""
    records = await read_subject(unit.connection, unit.source, subject, kind or (), limit)
    return _json({"items": [record.as_json() for record in records]})


def _json(content: object) -> Response:
    return Response(orjson.dumps(content, default=str), media_type="application/json")
