"""The doors: who may enter, what a refusal changes (nothing), and what every error looks like (a problem)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest_asyncio
import structlog

from chassis.testing import Bench
from chassis.web.keys import sign_key
from chassis.web.limits import LARGEST_BODY
from chassis.web.paging import encode_cursor

NOTE = {"text": "a"}
DOORS = (("GET", "/v1/notes"), ("POST", "/v1/notes"), ("POST", "/v1/manage"), ("POST", "/v1/administer"))
OPENS = {"viewer": 1, "service": 1, "operator": 2, "manager": 3, "admin": 4, "channel": 0}


@pytest_asyncio.fixture
async def api(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    async with bench.api("admin") as client:
        yield client


def slug(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    assert answer.json()["status"] == answer.status_code
    return answer.status_code, answer.json()["type"].rsplit("/", 1)[1]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def rows(bench: Bench) -> list[int]:
    """Count every row that a request might write."""
    found = await bench.rows(
        "select (select count(*) from note), (select count(*) from chassis.events), (select count(*) from"
        " chassis.idempotency), (select count(*) from chassis.timers), (select count(*) from chassis.intake)"
    )
    return list(found[0])


async def test_each_role_opens_its_doors_and_a_refusal_changes_no_row(bench: Bench, api: httpx.AsyncClient) -> None:
    for role, opens in OPENS.items():
        for number, (method, path) in enumerate(DOORS, start=1):
            before = await rows(bench)
            more = {"json": NOTE, "headers": {**bearer(bench.key(role)), "Idempotency-Key": f"{role} {path}"}}
            answer = await api.request(method, path, **more)  # type: ignore[arg-type]
            if number <= opens:
                assert (role, path, answer.status_code) == (role, path, 200)
                assert (await rows(bench) == before) == (method == "GET")
            else:
                assert slug(answer) == (403, "not-allowed")
                assert await rows(bench) == before


async def test_a_key_must_be_ours_and_still_good(bench: Bench, api: httpx.AsyncClient) -> None:
    revoked = uuid4()
    await bench.rows("insert into chassis.revoked_keys values ($1, now())", revoked)
    tokens = [
        "", "Bearer", "Bearer ", "Basic YTpi", "Bearer x.y.z", f"Bearer {bench.key('admin')}x",
        "Bearer " + sign_key(bench._private, role="admin", name="old", expires_at=datetime.now(UTC) - timedelta(1)),
        "Bearer " + sign_key(bench._private, role="admin", name="lost", key_id=revoked),
    ]  # fmt: skip
    before = await rows(bench)
    for token in tokens:
        for method, path in DOORS:
            answer = await api.request(method, path, json=NOTE, headers={"Authorization": token})
            assert slug(answer) == (401, "key-needed")
            assert answer.headers["www-authenticate"] == "Bearer"
    assert await rows(bench) == before


async def test_who_is_turned_away_is_logged_by_a_good_keys_id_and_by_nothing_else(
    bench: Bench, api: httpx.AsyncClient
) -> None:
    key = uuid4()
    token = sign_key(bench._private, role="viewer", name="Eva", key_id=key)
    with structlog.testing.capture_logs() as logs:
        for tried in (token, f"{token}x"):
            await api.post("/v1/administer", json=NOTE, headers=bearer(tried))
    route = {"event": "turned away", "log_level": "warning", "route": "/v1/administer"}
    assert logs == [route | {"problem": "not-allowed", "key": str(key)}, route | {"problem": "key-needed", "key": None}]


async def test_one_idempotency_key_has_one_effect(bench: Bench, api: httpx.AsyncClient) -> None:
    async def post(key: str, text: str) -> httpx.Response:
        return await api.post("/v1/notes", json={"text": text}, headers={"Idempotency-Key": key})

    answers = await asyncio.gather(*(post("once", "a") for _ in range(20)))
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, '{"text":"a"}')}
    assert len(await bench.records()) == 1
    assert slug(await post("once", "b")) == (409, "idempotency-key-reused")
    assert (await post("again", "b")).status_code == 200
    assert slug(await post("x" * 201, "b")) == (422, "invalid-request")
    async with bench.api("operator") as other:
        assert (await other.post("/v1/notes", json=NOTE, headers={"Idempotency-Key": "once"})).status_code == 200
    assert await bench.rows("select text from note order by 1") == [("a",), ("a",), ("b",)]


async def test_a_body_over_the_limit_is_refused_whether_it_says_its_length_or_not(
    bench: Bench, api: httpx.AsyncClient
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b" " * 1024 * 1024

    headers = {"content-type": "application/json"}
    for content in (b" " * (LARGEST_BODY + 1), pieces()):
        answer = await api.post("/v1/notes", content=content, headers=headers)
        assert slug(answer) == (413, "body-too-large")
    assert await bench.rows("select * from note") == []
    fits = b'{"text": "a"' + b" " * (LARGEST_BODY - 13) + b"}"
    assert (await api.post("/v1/notes", content=fits, headers=headers)).status_code == 200


async def test_whatever_is_sent_is_answered_with_a_problem(bench: Bench, api: httpx.AsyncClient) -> None:
    async def post(body: bytes) -> tuple[int, str]:
        return slug(await api.post("/v1/notes", content=body, headers={"content-type": "application/json"}))

    for nowhere in ("/v1/nothing", "/v1/dead-letters/nothing"):
        assert slug(await api.get(nowhere)) == (404, "not-found")
    wrong = await api.delete("/v1/notes")
    assert slug(wrong) == (405, "method-not-allowed")
    assert wrong.headers["allow"]
    for body in (
        b"", b"{", b"[]", b"null", b'{"text": 7}', b'{"text": "a", "more": 1}', b'{"text": "a\\u0000b"}',
        b'{"text": "\\ud800"}', b'{"\\udfff": "a"}', b'{"text": NaN}',
    ):  # fmt: skip
        assert (body, await post(body)) == (body, (422, "invalid-request"))
    for body in (b'{"text": "\xff"}', b"\x00", b"[" * 100_000):
        assert (await post(body))[0] in {400, 422}
    for cursor in ("x", "ř", encode_cursor(), encode_cursor(1, 2), encode_cursor(7), encode_cursor({}), "W10", "\x00"):
        assert slug(await api.get("/v1/notes", params={"cursor": cursor})) == (422, "invalid-request")
    for cursor in (encode_cursor("gestern", "x"), encode_cursor(1, None)):
        assert slug(await api.get("/v1/dead-letters", params={"cursor": cursor})) == (422, "invalid-request")
    assert await bench.rows("select * from note") == []


async def test_our_own_errors_tell_no_details_and_leave_nothing(bench: Bench, api: httpx.AsyncClient) -> None:
    answer = await api.post("/v1/fail", json={"text": "Jan Tajný"})
    assert slug(answer) == (500, "internal-error")
    assert "Tajný" not in answer.text
    assert "Arithmetic" not in answer.text
    assert await rows(bench) == [0] * 5


async def test_a_correlation_id_is_carried_into_events(bench: Bench, api: httpx.AsyncClient) -> None:
    mine = uuid4()
    await api.post("/v1/notes", json=NOTE, headers={"X-Correlation-Id": str(mine)})
    await api.post("/v1/notes", json=NOTE, headers={"X-Correlation-Id": "not one"})
    first, second = await bench.records()
    assert first.correlation == mine
    assert second.correlation not in {mine, first.causation}
    assert first.actor == "admin:test admin"
