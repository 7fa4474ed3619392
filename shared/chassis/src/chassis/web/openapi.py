"""What OpenAPI says of every service: its problems, its rules, and operations called as their functions are."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import models_json_schema

COMPONENT = "#/components/schemas/{model}"
RULES = """
- Lists take `limit` (at most 500), `cursor` (the `next` of the page before) and `count=true`.
- A thing with a `version` comes with an `ETag`. `If-Match` makes a change only of that version (else 412);
  `If-None-Match` answers 304 while nothing is new.
- With an `Idempotency-Key` a request is done once; repeated within 30 days, it is answered as the first time.
  Another request under the same key is 409 `idempotency-key-reused`.
- Bodies are JSON, whatever else they are said to be is 415. A query parameter that is not listed here is 422.
- Errors are RFC 9457 problems: `type` ends in a stable slug, `errors` lists the fields at fault.
"""


class Fault(BaseModel):
    """A field at fault, called as the caller wrote it: `limit`, `billing.ico`, `items.0.sku`, `if-match`."""

    model_config = ConfigDict(extra="allow")

    field: str
    message: str


class Problem(BaseModel):
    """Why a request was not done (RFC 9457); nothing was changed."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[Fault] = []


_PROBLEM = {"application/problem+json": {"schema": {"$ref": COMPONENT.format(model="Problem")}}}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "The request was refused", "content": _PROBLEM},
    "5XX": {"description": "The service could not do it", "content": _PROBLEM},
}


class DescribedApi(FastAPI):
    """An application whose OpenAPI document tells the shape of problems."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        document = super().openapi()
        _, problems = models_json_schema([(Problem, "validation")], ref_template=COMPONENT)
        document["components"]["schemas"] |= problems["$defs"]
        return document


def operation_id(route: APIRoute) -> str:
    """Return what an operation is called: as its function is."""
    return route.name
