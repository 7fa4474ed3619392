"""When a suite counts as quiet."""

from typing import Any

import httpx
import pytest

from klientela.errors import Refusal
from klientela.importing.quiet import Backlog, worked_off
from klientela.importing.suite_api import SuiteApi


@pytest.fixture(autouse=True)
def _look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("klientela.importing.quiet.LOOK", 0)


def api(*answers: dict[str, Any]) -> SuiteApi:
    """One service that says these things one after another, the last for ever."""
    said = list(answers)

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=said.pop(0) if len(said) > 1 else said[0])

    return SuiteApi({"orders": "http://orders"}, "key", transport=httpx.MockTransport(answer))


def status(**said: Any) -> dict[str, Any]:
    return {"intake": 0, "parked": 0, "timers_due": 0, "jobs": 0, "heads": {}, "progress": {}, **said}


def test_the_backlog_counts_what_is_not_told_and_not_heard_under_the_present_incarnation() -> None:
    owner = status(intake=3, heads={"1": [7, 10, 8], "2": [7, 4, 4], "3": [7, 0, 0]})
    listener = status(progress={"orders": {"1": "7:10", "2": "6:4"}, "stranger": {"1": "0:0"}})
    idle = status(progress={"orders": {"1": "7:10", "2": "7:4"}})
    backlog = Backlog.of({"orders": owner, "loyalty": listener, "clients": idle})
    assert (backlog.intake, backlog.unpublished, backlog.unheard) == (3, 2, 1)
    assert backlog.size == 6
    assert (
        Backlog.of({"orders": status(heads={"1": [7, 2, 2]}), "loyalty": status(progress={"orders": {}})}).unheard == 2
    )


async def test_one_quiet_look_proves_nothing() -> None:
    looks: list[Backlog] = []
    async with api(*[status(heads={"1": [1, number, number]}) for number in (1, 2, 2)]) as asked:
        await worked_off(asked, looks.append)
    assert len(looks) == 3


@pytest.mark.parametrize(
    "waits", [{"parked": 2}, {"intake": 2}, {"timers_due": 2}, {"jobs": 2}, {"heads": {"1": [1, 2, 0]}}]
)
async def test_a_suite_that_does_not_move_is_given_up(waits: dict[str, Any]) -> None:
    async with api(status(**waits)) as asked:
        with pytest.raises(Refusal, match=r"has not moved: .*2 "):
            await worked_off(asked, lambda _: None, stuck=0)
