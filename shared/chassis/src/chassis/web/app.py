"""The HTTP application of a service: its routes and the shared ones, problems for errors, limits for bodies."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from chassis.database import Database
from chassis.service import Service
from chassis.web.feed import routes as feed_routes
from chassis.web.health import Health
from chassis.web.health import routes as health_routes
from chassis.web.keys import KeyReader
from chassis.web.limits import LARGEST_BODY, LONGEST_REQUEST, LimitBody, LimitTime
from chassis.web.openapi import RULES, DescribedApi, operation_id
from chassis.web.operations import routes as operation_routes
from chassis.web.problems import answer_with_problems
from chassis.web.rates import Rates
from chassis.web.restating import routes as restating_routes
from schemas.asyncapi import asyncapi

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def _nothing(_: FastAPI) -> AsyncIterator[None]:
    yield


def build_app(
    service: Service,
    database: Database,
    keys: KeyReader,
    settings: object,
    lifespan: Lifespan = _nothing,
    *,
    rates: Rates | None = None,
    api: bool = True,
) -> FastAPI:
    """Build the application of a service; endpoints find the settings at ``request.app.state.settings``.

    ``rates`` says how often one key may ask; without them as often as it likes. Without ``api`` it serves only what
    every role does: health, metrics, feed and operations.
    """
    app = DescribedApi(
        title=f"Klientela {service.name}", version=version("chassis"), description=RULES, lifespan=lifespan,
        docs_url=None, redoc_url=None, openapi_url="/openapi.json", generate_unique_id_function=operation_id,
        redirect_slashes=False, strict_content_type=False,
    )  # fmt: skip
    app.state.service, app.state.database, app.state.keys, app.state.settings = service, database, keys, settings
    app.state.rates, app.state.health = rates, Health()
    app.state.intake_stored = asyncio.Event()
    answer_with_problems(app)
    app.add_middleware(LimitTime, longest=LONGEST_REQUEST)
    app.add_middleware(LimitBody, largest=LARGEST_BODY)
    for routes in (*(service.routers if api else ()), feed_routes, restating_routes, operation_routes, health_routes):
        app.include_router(routes)

    @app.get("/asyncapi.json", include_in_schema=False)
    async def asyncapi_document() -> JSONResponse:
        """Return the AsyncAPI 3.0 document of the service."""
        return JSONResponse(asyncapi(service.name, service.publishes, service.listens(), version("chassis")))

    return app
