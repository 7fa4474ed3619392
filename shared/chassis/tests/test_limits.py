"""A request has a minute, whoever is slow: the service, or whoever sends the body drop by drop."""

import asyncio
from uuid import uuid4

import httpx
import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.events.unit import unit_of_work
from chassis.testing import Bench
from chassis.web.limits import LimitTime


async def ask(app: ASGIApp) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://till") as client:
        return await client.post("/")


async def test_what_takes_too_long_is_given_up_and_its_unit_undone(bench: Bench) -> None:
    async def wait_for_ever(scope: Scope, receive: Receive, send: Send) -> None:
        async with unit_of_work(bench.database, "till") as unit:
            await unit.connection.execute("insert into till values ($1, 1, 1)", uuid4())
            await asyncio.Event().wait()

    answer = await ask(LimitTime(wait_for_ever, 0.2))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"].endswith("too-slow")
    assert await bench.rows("select 1 from till") == []


async def test_a_body_that_comes_drop_by_drop_is_not_waited_for() -> None:
    drops, sent = 0, list[Message]()

    async def drip() -> Message:
        nonlocal drops
        drops += 1
        await asyncio.sleep(0.01)  # lint-skip: sleep so slowly it drips
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def read(scope: Scope, receive: Receive, send: Send) -> None:
        while True:
            await receive()

    async def answer(message: Message) -> None:
        sent.append(message)

    async with asyncio.timeout(60):
        await LimitTime(read, 0.1)({"type": "http", "headers": []}, drip, answer)
    assert drops > 0
    assert [sent[0]["status"], orjson.loads(sent[1]["body"])["status"]] == [503, 503]
