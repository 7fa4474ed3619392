"""Whatever is asked at a door, OpenAPI tells of the answer: never a 5xx; status, media type and shape as told.

Each operation is asked five times as its schema says and five times otherwise, and as often again where its path names
what there is: the same each time. ``KLIENTELA_TEST_ASKED=200`` asks that often instead, by a seed that is printed with
what fails; ``KLIENTELA_TEST_SEED`` asks by that one again, ``-k clients`` one service alone.
"""

import asyncio
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from pydantic import BaseModel
from schemathesis import Case, GenerationMode
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.generation.feedback import NO_FEEDBACK
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from chassis.testing import drop_database
from tests.verify.conftest import Told, copy, name_of
from tests.verify.doors import IDS
from tests.verify.served import served
from tests.verify.suite_in_process import SuiteInProcess

SERVICES = ("clients", "orders", "service-desk", "loyalty", "automation")
CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ASKED, SEED = os.environ.get("KLIENTELA_TEST_ASKED"), os.environ.get("KLIENTELA_TEST_SEED")
HOW_OFTEN = settings(
    max_examples=int(ASKED or 5),
    derandomize=not ASKED,
    print_blob=bool(ASKED),
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
"""So often each operation is asked as its schema says, and as often otherwise; again, if it names what is there."""
SEED_OF_THIS_RUN = int(SEED or secrets.randbits(32))
CONFIG = schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}})


def by_seed(test: Callable[[], None]) -> Callable[[], None]:
    """Make a test ask by the seed of this run, if it does not ask the same each time."""
    return seed(SEED_OF_THIS_RUN)(test) if ASKED else test


def ask_at_every_door(schema: BaseSchema, known: Mapping[str, str], **how: Any) -> set[str]:
    """Ask at all operations, about what nobody knows and about what there is; return which were asked.

    Raises FailureGroup for an answer that is not as it is told.
    """
    asked: set[str] = set()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), "OpenAPI describes what no request can be made of"
        operation = found.ok()
        names = [parameter.name for parameter in operation.path_parameters]
        there = {name: known[name] for name in names if name in known}
        paths: list[dict[str, str]] = [{}, there] if there else [{}]
        for path in paths:
            ask(operation, GenerationMode.POSITIVE, path, how)
            with suppress(Unsatisfiable):  # nothing can be wrong with what asks for nothing
                ask(operation, GenerationMode.NEGATIVE, path, how)
        asked.add(operation.label)
    return asked


def ask(operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, path: dict[str, str], how: Any) -> None:
    @by_seed
    @HOW_OFTEN
    @given(case=operation.as_strategy(mode, feedback=NO_FEEDBACK, path_parameters=path or None))
    def each(case: Case[Any]) -> None:
        case.validate_response(case.call(**how), checks=CHECKS)

    each()


@dataclass
class Served:
    """The told suite on real ports: where, with which key, and what there is."""

    addresses: dict[str, str]
    key: str
    known: dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def suite(told: Told, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    databases = {name: asyncio.run(copy(dsn)) for name, dsn in told.databases.items()}
    known = {name: asyncio.run(ids_of(told, name, dsn)) for name, dsn in databases.items()}
    one = SuiteInProcess(databases, tmp_path_factory.mktemp("keys"))
    with served(one) as addresses:
        yield Served(addresses, one.key, known)
    for dsn in databases.values():
        asyncio.run(drop_database(name_of(dsn)))


async def ids_of(told: Told, name: str, dsn: str) -> dict[str, str]:
    """Return what paths of a service may name, of what there is."""
    connection = await asyncpg.connect(dsn)
    try:
        ids = {each: str(await connection.fetchval(question)) for each, question in IDS[name].items()}
    finally:
        await connection.close()
    return {"client_id": str(told.story.client), "order_id": str(told.story.order)} | ids


@pytest.mark.parametrize("name", SERVICES)
def test_every_answer_is_as_openapi_tells(suite: Served, name: str) -> None:
    address = suite.addresses[name]
    document = httpx.get(f"{address}/openapi.json", trust_env=False, timeout=60).json()
    schema = schemathesis.openapi.from_dict(document, config=CONFIG)
    headers = {"Authorization": f"Bearer {suite.key}"}
    if ASKED:
        print(f"KLIENTELA_TEST_ASKED={ASKED} KLIENTELA_TEST_SEED={SEED_OF_THIS_RUN}")  # noqa: T201 - to ask so again
    asked = ask_at_every_door(schema, suite.known[name], base_url=address, headers=headers)
    assert asked == {f"{way.upper()} {path}" for path, ways in document["paths"].items() for way in ways}


class Account(BaseModel):
    points: int


ANSWERS: dict[str, Response] = {
    "as told": JSONResponse({"points": 7}),
    "a 5xx": JSONResponse({"points": 7}, 500),
    "a status nobody told of": JSONResponse({"points": 7}, 202),
    "another media type": PlainTextResponse("7"),
    "another shape": JSONResponse({"points": "seven"}),
    "a field that is missing": JSONResponse({}),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_that_is_not_as_told_is_noticed(kind: str) -> None:
    app = FastAPI()

    @app.get("/accounts/{client_id}", response_model=Account)
    def account(client_id: int) -> Response:
        return ANSWERS[kind]

    schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=CONFIG)
    if kind == "as told":
        assert ask_at_every_door(schema, {"client_id": "7"}) == {"GET /accounts/{client_id}"}
    else:
        with pytest.raises(FailureGroup):
            ask_at_every_door(schema, {"client_id": "7"})
