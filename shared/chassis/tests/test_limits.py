"""Limits of requests: a minute each, whoever is slow; so many by one key; no body of who may not enter."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx
import orjson
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.events.unit import unit_of_work
from chassis.testing import Bench
from chassis.web.limits import LimitTime
from chassis.web.rates import Rates, TooManyRequests


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


async def test_what_gives_up_by_itself_is_not_told_as_too_slow() -> None:
    async def give_up(scope: Scope, receive: Receive, send: Send) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await ask(LimitTime(give_up, 60))


async def test_an_answer_that_has_begun_is_not_answered_a_second_time() -> None:
    sent = list[Message]()

    async def begin_and_wait(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.Event().wait()

    async def answer(message: Message) -> None:
        sent.append(message)

    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    with pytest.raises(TimeoutError):
        await LimitTime(begin_and_wait, 0.1)({"type": "http", "headers": []}, nothing, answer)
    assert [message["type"] for message in sent] == ["http.response.start"]


def test_who_asks_more_often_than_a_key_may_is_told_when_to_come_again() -> None:
    now = 100.0
    rates, one, another = Rates(per_second=2, burst=3, clock=lambda: now), UUID(int=1), UUID(int=2)
    for _ in range(7):
        rates.take(one)
    with pytest.raises(TooManyRequests) as refused:
        rates.take(one)
    assert refused.value.retry_after == 1
    rates.take(another)
    now += 0.5
    rates.take(one)
    with pytest.raises(TooManyRequests):
        rates.take(one)


async def test_each_key_has_its_own_rate_and_services_have_none(bench: Bench) -> None:
    async with bench.api("viewer") as eva, bench.api("viewer") as adam, bench.api("service") as service:
        for client in (eva, adam, service):
            rates = client._transport.app.state  # type: ignore[attr-defined]
            rates.rates = Rates(per_second=0.001, burst=0.001)
        for client, statuses in ((eva, [200, 429]), (adam, [200, 429]), (service, [200, 200])):
            answers = [await client.get("/v1/notes") for _ in statuses]
            assert [answer.status_code for answer in answers] == statuses
            if 429 in statuses:
                assert answers[-1].json()["type"].endswith("too-many-requests")
                assert int(answers[-1].headers["retry-after"]) > 0


async def test_of_who_has_no_good_key_no_body_is_read(bench: Bench) -> None:
    class Unread(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            read.append("a body")
            yield b"{}"

    read: list[str] = []
    async with bench.api("viewer") as api:
        for key in ("", "Bearer nonsense"):
            headers = {"Authorization": key, "Content-Type": "application/json"}
            request = httpx.Request("POST", "http://till/v1/notes", headers=headers, stream=Unread())
            assert (await api.send(request)).status_code == 401
    assert read == []
