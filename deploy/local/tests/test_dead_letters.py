"""A message that several services could not take is a dead letter of each, under one id."""

from http import HTTPStatus
from uuid import UUID

import httpx
import pytest

from klientela.dead_letters import resolve_all, show
from klientela.running import Apis

LETTER = UUID(int=7)
HAVE = {"clients": HTTPStatus.OK, "automation": HTTPStatus.OK, "loyalty": HTTPStatus.CONFLICT}
SERVICES = ("clients", "orders", "loyalty", "automation")


def apis(client: httpx.Client) -> Apis:
    return Apis({name: f"http://{name}" for name in SERVICES}, client)


def answer(request: httpx.Request) -> httpx.Response:
    status = HAVE.get(request.url.host, HTTPStatus.NOT_FOUND)
    problem = {"type": "https://klientela/problems/still-refused", "detail": "no", "title": "no"}
    return httpx.Response(status, json={"id": str(LETTER), "state": "resolved"} if status == HTTPStatus.OK else problem)


def test_every_service_that_has_it_tries_again(capsys: pytest.CaptureFixture[str]) -> None:
    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        assert resolve_all(apis(client), SERVICES, "retry", [LETTER], as_json=False) == 1
        lines = capsys.readouterr().out.splitlines()
        assert [line.split()[1:3] for line in lines] == [
            ["clients", "resolved"], ["loyalty", "open:"], ["automation", "resolved"],
        ]  # fmt: skip
        assert resolve_all(apis(client), ["automation"], "drop", [LETTER], as_json=False) == 0


def test_every_service_that_has_it_shows_it(capsys: pytest.CaptureFixture[str]) -> None:
    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        assert show(apis(client), ["clients", "orders", "automation"], LETTER) == 0
    shown = capsys.readouterr().out
    assert [f'"service": "{name}"' in shown for name in SERVICES] == [True, False, False, True]
