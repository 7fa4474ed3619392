"""Health and metrics, without a key: they tell how the process is, never what it holds."""

from dataclasses import dataclass, field

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from chassis.database import Database
from chassis.web.openapi import PROBLEMS

routes = APIRouter(tags=["health"])


@dataclass
class Health:
    """What a service is still waiting for, by name, before it is ready; and the owners' heads as last heard."""

    waiting: set[str] = field(default_factory=set)
    heads: dict[str, dict[int, int]] = field(default_factory=dict)


@routes.get("/health/live")
async def live() -> dict[str, bool]:
    """Say that the process answers."""
    return {"live": True}


@routes.get("/health/ready")
async def ready(request: Request) -> JSONResponse:
    """Say whether all parts are up; 503 with their names while some are not."""
    waiting = sorted(request.app.state.health.waiting)
    return JSONResponse({"ready": not waiting, "waiting": waiting}, 503 if waiting else 200)


@routes.get("/metrics", response_class=PlainTextResponse, responses=PROBLEMS)
async def metrics(request: Request) -> Response:
    """Return Prometheus metrics, read from the database as it is now."""
    registry = CollectorRegistry()
    await _measure(request.app.state.database, request.app.state.health, registry)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


async def _measure(database: Database, health: Health, registry: CollectorRegistry) -> None:
    async with database.pool.acquire() as connection:
        counts = await connection.fetchrow(
            "select *, (select count(*) from chassis.dead_letters where resolved_at is null) dead,"
            " (select coalesce(extract(epoch from now() - min(e.at)), 0) from chassis.cursors c join chassis.events e"
            "   on e.lane = c.lane and e.sequence = c.sequence + 1) oldest_unpublished_seconds from chassis.waiting"
        )
        progress = await connection.fetch("select subscription, source, lane, sequence from chassis.progress")
        unpublished = await connection.fetch(
            "select lane, head - sequence as behind from chassis.counters join chassis.cursors using (lane)"
        )
    for name, value in (counts or {}).items():
        Gauge(f"klientela_{name}", name.replace("_", " "), registry=registry).set(float(value))
    lag = Gauge(
        "klientela_lag", "published events not yet applied", ("subscription", "source", "lane"), registry=registry
    )
    for row in progress:
        head = health.heads.get(row["source"], {}).get(row["lane"])
        if head is not None:
            lag.labels(row["subscription"], row["source"], row["lane"]).set(max(0, head - row["sequence"]))
    waiting = Gauge("klientela_unpublished", "written events not yet published", ("lane",), registry=registry)
    for row in unpublished:
        waiting.labels(row["lane"]).set(row["behind"])
