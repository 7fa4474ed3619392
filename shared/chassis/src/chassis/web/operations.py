"""What an operator of the suite asks every service: how it stands, what is dead, and to try again."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel

from chassis.consume.kept import readable
from chassis.consume.retry import resolve_dead_letter, retry_dead_letter
from chassis.errors import NotFound
from chassis.web.paging import Count, Cursor, Limit, Page, moment, page_of, read_cursor
from chassis.web.route import Manages, Reads, router

routes = router("operations")
EARLIEST = datetime(1, 1, 1, tzinfo=UTC)


@routes.get("/status")
async def status(request: Request, unit: Reads) -> dict[str, Any]:
    """Return heads, progress and what waits; heads are read first, so progress is never older than they are.

    Of several subscriptions the one that is furthest behind counts, lane by lane.
    """
    fetch = unit.connection.fetch
    heads = await fetch(
        "select lane, incarnation, head, sequence as published from chassis.counters join chassis.cursors using (lane)"
    )
    progress = await fetch(
        "select distinct on (source, lane) source, lane, incarnation, sequence from chassis.progress"
        " where subscription = any($1::text[]) order by source, lane, incarnation, sequence",
        list(request.app.state.service.subscriptions()),
    )
    counts = await unit.connection.fetchrow(
        "select *, (select count(*) from chassis.dead_letters where resolved_at is null) dead from chassis.waiting"
    )
    by_source: dict[str, dict[int, str]] = {}
    for row in progress:
        by_source.setdefault(row["source"], {})[row["lane"]] = f"{row['incarnation']}:{row['sequence']}"
    return {
        "service": request.app.state.service.name,
        "heads": {row["lane"]: [row["incarnation"], row["head"], row["published"]] for row in heads},
        "progress": by_source,
        **dict(counts or {}),
        "now": await unit.now(),
    }


class Letter(BaseModel):
    """A dead letter without its bytes."""

    id: UUID
    handler: str
    source: str
    type: str
    reason: str
    died_at: datetime


@routes.get("/dead-letters")
async def dead_letters(unit: Reads, limit: Limit = 100, cursor: Cursor = None, *, count: Count = False) -> Page[Letter]:
    """List the open dead letters, the oldest first."""
    after = read_cursor(cursor, moment, UUID) if cursor else [EARLIEST, UUID(int=0)]
    rows = await unit.connection.fetch(
        "select id, handler, source, type, reason, died_at from chassis.dead_letters where resolved_at is null"
        " and (died_at, id) > ($1, $2) order by died_at, id limit $3",
        *after,
        limit + 1,
    )
    page = page_of(rows, limit, lambda row: (row["died_at"], row["id"]), lambda row: Letter(**row))
    if count:
        page.count = await unit.connection.fetchval(
            "select count(*) from chassis.dead_letters where resolved_at is null"
        )
    return page


@routes.get("/dead-letters/{letter}")
async def dead_letter(unit: Manages, letter: UUID) -> dict[str, Any]:
    """Return one dead letter with what it was; it may hold personal data, so it needs a manager."""
    row = await unit.connection.fetchrow("select * from chassis.dead_letters where id = $1", letter)
    if row is None:
        raise NotFound
    return {**dict(row), "record": readable(row["record"])}


@routes.post("/dead-letters/{letter}/retry")
async def retry(request: Request, unit: Manages, letter: UUID) -> dict[str, str]:
    """Try a dead letter again; 409 with the reason when it is refused again."""
    await retry_dead_letter(unit, request.app.state.service, letter)
    return {"id": str(letter), "state": "done"}


@routes.post("/dead-letters/{letter}/drop")
async def drop(unit: Manages, letter: UUID) -> dict[str, str]:
    """Close a dead letter without doing it."""
    await resolve_dead_letter(unit, letter, f"dropped by {unit.cause.actor}")
    return {"id": str(letter), "state": "dropped"}
