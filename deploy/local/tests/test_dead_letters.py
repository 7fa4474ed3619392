"""A message that several services could not take is a dead letter of each, under one id."""

from http import HTTPStatus
from uuid import UUID

import httpx
import pytest

from klientela.dead_letters import resolve_all, show
from klientela.errors import Refusal
from klientela.running import Apis

LETTER = UUID(int=7)
HAVE = {"clients": HTTPStatus.OK, "automation": HTTPStatus.OK, "loyalty": HTTPStatus.CONFLICT}
SERVICES = ("clients", "orders", "loyalty", "automation")


def apis(client: httpx.Client) -> Apis:
    return Apis({name: f"http://{name}" for name in SERVICES}, client)


def answer(request: httpx.Request) -> httpx.Response:
    if request.url.host == "service-desk":
        raise httpx.ConnectError("down")
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


def test_a_service_that_is_down_hides_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    """It may have the letter or not: so it is neither shown as open, nor as if no service had it."""
    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        asked = Apis({name: f"http://{name}" for name in ("service-desk", *SERVICES)}, client)
        assert show(asked, ["service-desk", "automation"], LETTER) == 1
        said = capsys.readouterr()
        assert '"service": "automation"' in said.out
        assert "service-desk does not answer" in said.err
        assert show(asked, ["service-desk", "orders"], LETTER) == 1
        capsys.readouterr()
        assert resolve_all(asked, ["service-desk", "automation", "orders"], "drop", [LETTER], as_json=False) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1:3] for line in lines] == [["service-desk", "unknown:"], ["automation", "resolved"]]


def test_a_letter_that_nobody_has_is_refused() -> None:
    with httpx.Client(transport=httpx.MockTransport(answer)) as client, pytest.raises(Refusal, match="No service has"):
        show(apis(client), ["orders"], LETTER)
