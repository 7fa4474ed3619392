"""How a request is read and its answer told: versions, media types, query parameters, the names of fields, methods."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from chassis.testing import Bench
from chassis.web.idempotency import forget_answers
from chassis.web.paging import Page, encode_cursor
from chassis.web.problems import _field

TILL = "/v1/tills/00000000-0000-0000-0000-000000000001"
NOTE = b'{"text": "a"}'


@pytest_asyncio.fixture
async def api(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    async with bench.api("admin") as client:
        yield client


def fields(answer: httpx.Response, status: int = 422, slug: str = "invalid-request") -> list[str]:
    """Return the fields that a refusal names."""
    assert answer.status_code == status, answer.text
    assert answer.json()["type"].endswith(f"/{slug}")
    return [fault["field"] for fault in answer.json()["errors"]]


async def test_one_thing_with_a_version_has_an_etag_and_is_not_sent_twice(api: httpx.AsyncClient) -> None:
    paid = await api.post(f"{TILL}/pay")
    read = await api.get(TILL)
    assert [paid.headers["etag"], read.headers["etag"]] == ['"1"', '"1"']
    for known in ('"1"', 'W/"1"', '"0", "1"', "*"):
        same = await api.get(TILL, headers={"If-None-Match": known})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", '"1"')
    for known in ('"2"', "1", ""):
        assert (await api.get(TILL, headers={"If-None-Match": known})).json() == read.json()
    again = await api.post(f"{TILL}/pay", headers={"If-Match": read.headers["etag"], "If-None-Match": '"2"'})
    assert (again.status_code, again.headers["etag"]) == (201, '"2"')
    assert (await api.post(f"{TILL}/pay", headers={"If-Match": '"1"'})).status_code == 412
    assert "etag" not in (await api.get("/v1/notes")).headers


async def test_openapi_tells_what_may_be_asked_of_a_thing_with_a_version(api: httpx.AsyncClient) -> None:
    paths = (await api.get("/openapi.json")).json()["paths"]
    conditional = {
        f"{way} {path}"
        for path, ways in paths.items()
        for way, told in ways.items()
        if "304" in told["responses"] and "If-None-Match" in [each["name"] for each in told.get("parameters", ())]
    }
    assert conditional == {"get /v1/tills/{client}", "get /v1/tills/{client}/busy"}


async def test_what_the_version_does_not_tell_is_in_the_etag_as_well(api: httpx.AsyncClient) -> None:
    await api.post(f"{TILL}/pay")
    before = (await api.get(f"{TILL}/busy")).headers["etag"]
    assert before.startswith('"1-')
    assert (await api.get(f"{TILL}/busy", headers={"If-None-Match": before})).status_code == 304
    await api.post("/v1/notes", content=NOTE)
    busier = await api.get(f"{TILL}/busy", headers={"If-None-Match": before})
    assert (busier.status_code, busier.json()["notes"], busier.json()["version"]) == (200, 1, 1)
    assert (await api.post(f"{TILL}/pay", headers={"If-Match": before})).status_code == 201


async def test_a_name_that_stands_twice_is_refused(api: httpx.AsyncClient) -> None:
    assert fields(await api.post("/v1/notes", content=b'{"text": "a", "text": "b"}')) == ["body"]
    assert (await api.get("/v1/notes")).json() == 0


async def test_a_version_is_not_asked_of_what_has_none(api: httpx.AsyncClient) -> None:
    assert (await api.post("/v1/notes", content=NOTE, headers={"If-Match": '"1"'})).status_code == 412
    assert (await api.post("/v1/notes", content=NOTE, headers={"If-Match": "*"})).status_code == 200
    assert (await api.get("/v1/notes")).json() == 1


async def test_an_answer_is_forgotten_after_its_days(bench: Bench, api: httpx.AsyncClient) -> None:
    for key, days in (("old", 31), ("young", 29)):
        assert (await api.post("/v1/notes", content=NOTE, headers={"Idempotency-Key": key})).status_code == 200
        age = "update chassis.idempotency set created_at = now() - make_interval(days => $2) where key = $1"
        await bench.rows(age, key, days)
    await forget_answers(bench.database)
    assert {row["key"] for row in await bench.rows("select key from chassis.idempotency")} == {"young"}


async def test_a_repeated_request_is_answered_with_the_same_status_body_and_etag(api: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "once"}
    first, again = [await api.post(f"{TILL}/pay", headers=headers) for _ in range(2)]
    assert (again.status_code, again.content) == (first.status_code, first.content) == (201, first.content)
    assert again.headers["etag"] == first.headers["etag"] == '"1"'
    assert again.headers["content-type"] == first.headers["content-type"]
    reused = await api.post(f"{TILL}/pay?amount=2", headers=headers)
    assert (reused.status_code, reused.json()["type"].rsplit("/")[-1]) == (409, "idempotency-key-reused")
    for key in ("", "x" * 201):
        assert fields(await api.post(f"{TILL}/pay", headers={"Idempotency-Key": key})) == ["idempotency-key"]
    assert (await api.get(TILL)).json()["total"] == 1


async def test_a_body_is_json_whether_it_says_so_or_says_nothing(bench: Bench, api: httpx.AsyncClient) -> None:
    for media in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json", "*/*"):
        answer = await api.post("/v1/notes", content=NOTE, headers={"Content-Type": media})
        assert (media, answer.status_code) == (media, 415)
        assert answer.json()["type"].endswith("/unsupported-media-type")
    assert await bench.rows("select * from note") == []
    for media in ("", "application/json", "application/merge-patch+json; charset=utf-8", "Application/JSON"):
        headers = {"Content-Type": media} if media else {}
        assert (media, (await api.post("/v1/notes", content=NOTE, headers=headers)).status_code) == (media, 200)
    without_a_body = await api.post(f"{TILL}/pay", headers={"Content-Type": "text/plain"})
    assert without_a_body.status_code == 201


async def test_a_query_parameter_that_nobody_reads_is_refused(bench: Bench, api: httpx.AsyncClient) -> None:
    answer = await api.get("/v1/notes", params={"cursr": "x", "Cursor": "y"})
    assert fields(answer) == ["cursr", "Cursor"]
    assert answer.json()["errors"][0]["message"] == "no such query parameter; known here: cursor"
    assert fields(await api.post(f"{TILL}/pay?amonut=5")) == ["amonut"]
    assert await bench.rows("select * from till") == []
    await api.post(f"{TILL}/pay?amount=5")
    assert (await api.get(TILL, params={"colour": "blue"})).json()["total"] == 5
    async with bench.api("") as nobody:
        assert (await nobody.get("/v1/notes?cursr=x")).status_code == 401
        assert (await nobody.get("/health/live?probe=1")).status_code == 200


async def test_a_field_at_fault_is_called_as_the_caller_wrote_it(api: httpx.AsyncClient) -> None:
    assert fields(await api.get("/v1/dead-letters", params={"limit": 0, "count": "much"})) == ["limit", "count"]
    assert fields(await api.get("/v1/notes", params={"cursor": "x"})) == ["cursor"]
    assert fields(await api.get("/v1/events", params={"lane": 48})) == ["lane"]
    assert fields(await api.get("/v1/events", params={"lane": 1, "after": "x"})) == ["after"]
    assert fields(await api.get("/v1/tills/x"), 404, "not-found") == ["client", "client"]
    assert fields(await api.post(f"{TILL}/pay", headers={"If-Match": "x" * 101})) == ["if-match"]
    for body, field in ((b"", "body"), (b"{", "body"), (b"[]", "body"), (b'{"text": 7}', "text"), (b"{}", "text")):
        assert fields(await api.post("/v1/notes", content=body)) == [field]


@pytest.mark.parametrize(
    ("loc", "kind", "sent", "field"),
    [
        (("body", "items", 0, "sku"), "missing", {"items": [{}]}, "items.0.sku"),
        (("body", "then", 0, "award_points", "points"), "int_type", {"then": [{"points": "x"}]}, "then.0.points"),
        (("body", "then", 0, "award_points", "points"), "missing", {"then": [{}]}, "then.0.points"),
        (("body", "value", "int"), "int_type", {"value": "x"}, "value"),
        (("body", "rates", "XYZZ", "[key]"), "value_error", {"rates": {"XYZZ": 1}}, "rates.XYZZ"),
        (("header", "if-match"), "string_too_long", None, "if-match"),
    ],
)
def test_names_of_alternatives_are_not_part_of_a_field(loc: Any, kind: str, sent: object, field: str) -> None:
    assert _field({"loc": loc, "type": kind}, sent) == field


async def test_other_methods_and_addresses_are_problems(api: httpx.AsyncClient) -> None:
    for method in ("HEAD", "OPTIONS", "DELETE"):
        answer = await api.request(method, "/v1/notes")
        assert (method, answer.status_code, answer.headers["allow"]) == (method, 405, "GET, POST")
        assert answer.headers["content-type"] == "application/problem+json"
    for path in ("/v1/notes/", "/v1/nothing", "/v1/", "/", "/health/live/"):
        answer = await api.get(path)
        assert (path, answer.status_code, answer.headers["content-type"]) == (path, 404, "application/problem+json")
        assert "location" not in answer.headers


def test_a_page_has_a_count_only_when_somebody_asked() -> None:
    page = Page[int](items=[1], next=None)
    assert page.model_dump_json() == '{"items":[1],"next":null}'
    page.count = 0
    assert page.model_dump_json() == '{"items":[1],"next":null,"count":0}'


async def test_dead_letters_are_counted_and_paged(bench: Bench, api: httpx.AsyncClient) -> None:
    for body in (b"torn", b"1", b"torn", b"torn"):
        await bench.take_in("slip", None, body)
    first = (await api.get("/v1/dead-letters", params={"limit": 2, "count": "true"})).json()
    rest = (await api.get("/v1/dead-letters", params={"limit": 2, "cursor": first["next"]})).json()
    assert (first["count"], len(first["items"]), len(rest["items"]), rest["next"]) == (3, 2, 1, None)
    assert "count" not in rest
    assert fields(await api.get("/v1/dead-letters", params={"cursor": encode_cursor("x")})) == ["cursor"]
