"""The APIs of all five services keep one shape: what OpenAPI says of them, lists, and doors."""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from jsonschema import Draft202012Validator

from chassis.web.app import build_app
from chassis.web.keys import KeyReader, new_signing_key, public_keys
from chassis.web.paging import Page
from chassis.web.route import WritingDoor
from schemas.catalogue import OWNERS

WITHOUT_A_KEY = {"receive_webhook", "restate"}
"""What a shop repeats under its own number, and what does no harm said twice."""
services = pytest.mark.parametrize("name", OWNERS)


@cache
def app_of(name: str) -> FastAPI:
    service = import_module(f"{name.replace('-', '_')}.app").service
    return build_app(service, None, KeyReader(public_keys(new_signing_key())), None)  # type: ignore[arg-type]


def operations(name: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in app_of(name).openapi()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def calls(dependant: Dependant) -> Iterator[object]:
    yield dependant.call
    for nested in dependant.dependencies:
        yield from calls(nested)


def routes(name: str) -> list[APIRoute]:
    found = [context.original_route for context in iter_route_contexts(app_of(name).routes)]
    return [route for route in found if isinstance(route, APIRoute) and route.path.startswith("/v1")]


@services
def test_lists_take_a_limit_a_cursor_and_a_count(name: str) -> None:
    lists = [
        operation
        for _, _, operation in operations(name)
        if "/Page_" in str(operation["responses"].get("200", {}).get("content"))
    ]
    assert {"dead_letters", "events_of_subject"} < {operation["operationId"] for operation in lists}
    for operation in lists:
        taken = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"}
        assert {"limit", "cursor", "count"} <= taken, operation["operationId"]


@services
def test_whoever_returns_items_returns_a_page(name: str) -> None:
    for route in routes(name):
        shown = getattr(route.response_model, "model_fields", {})
        assert "items" not in shown or "next" not in shown or issubclass(route.response_model, Page), route.name


@services
def test_operations_are_called_as_their_functions(name: str) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(name)]
    assert len(ids) == len(set(ids))
    assert {route.endpoint.__name__ for route in routes(name)} <= set(ids)


@services
def test_the_openapi_document_is_whole(name: str) -> None:
    document = app_of(name).openapi()
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    assert {reference.removeprefix("#/components/schemas/") for reference in references(document)} <= set(schemas)
    for path, _, operation in operations(name):
        named = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"}
        assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}, path


@services
def test_operations_declare_their_problems(name: str) -> None:
    for path, method, operation in operations(name):
        if path.startswith("/v1"):
            for status in ("4XX", "5XX"):
                content = operation["responses"][status]["content"]
                assert content == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
            assert "422" not in operation["responses"], (method, path)


@services
def test_changes_go_through_a_door_that_does_them_once(name: str) -> None:
    without = {
        route.name
        for route in routes(name)
        if route.methods != {"GET"} and not any(isinstance(call, WritingDoor) for call in calls(route.dependant))
    }
    assert without <= WITHOUT_A_KEY
