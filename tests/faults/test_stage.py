"""Machine and stage are lent from run to run, and made anew after one that failed; who reads the log misses nothing."""

import asyncio
from threading import Event
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from klientela.errors import Refusal
from tests.faults import stage
from tests.faults.rows.log import Reader

KEY = uuid4()
NO_ROOM = Refusal("no room")


async def test_runs_share_a_stage_and_none_is_idle_beside_a_fresh_one(made: list[str]) -> None:
    theatre = stage.Theatre()
    for fresh in (False, False, True, False):
        async with theatre.lend(fresh=fresh):
            pass
    assert made == ["machine", *("stage", "stage ends") * 2, "stage"]
    await theatre.close()
    assert made[6:] == ["stage ends", "machine ends"]


async def test_a_bare_run_has_a_machine_without_services(made: list[str]) -> None:
    theatre = stage.Theatre()
    for bare in (False, True, False):
        async with theatre.lend(fresh=False, bare=bare):
            pass
    assert made == ["machine", "stage", "stage ends", "bare stage", "bare stage ends", "stage"]
    await theatre.close()


class Server:
    """A server that does not come up, or does and goes."""

    def __init__(self, *_: object, comes: bool = True, **_others: object) -> None:
        self.comes, self.stopped = comes, False

    def start(self, _given_up: Event) -> None:
        if not self.comes:
            raise NO_ROOM

    def stop(self) -> None:
        self.stopped = True


async def test_only_a_machine_that_cannot_be_made_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """What refuses on a machine that stands is a failure like any other, and the servers are stopped either way."""
    good, bad = Server(), Server(comes=False)
    monkeypatch.setattr(stage, "PostgresServer", lambda *_, **__: good)
    monkeypatch.setattr(stage, "KafkaBroker", lambda *_: good)
    with pytest.raises(Refusal) as refused:
        async with stage.a_machine():
            raise NO_ROOM
    assert not isinstance(refused.value, stage.NoMachine)
    monkeypatch.setattr(stage, "KafkaBroker", lambda *_: bad)
    with pytest.raises(stage.NoMachine, match="no room"):
        async with stage.Theatre().lend(fresh=False):
            pass
    assert good.stopped
    assert bad.stopped


async def test_a_server_that_is_starting_is_stopped_once_it_has_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread cannot be cancelled: stopped before it is there, it would come after all, and stay."""
    happened: list[str] = []

    class Slow(Server):
        def start(self, given_up: Event) -> None:
            given_up.wait(30)
            happened.append("there")

        def stop(self) -> None:
            happened.append("stopped")

    monkeypatch.setattr(stage, "PostgresServer", lambda *_, **__: Slow())
    monkeypatch.setattr(stage, "KafkaBroker", lambda *_: Slow())

    async def make() -> None:
        async with stage.a_machine():
            pass

    making = asyncio.create_task(make())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    assert happened == ["there", "there", "stopped", "stopped"]


async def test_after_a_run_that_failed_all_is_made_anew(made: list[str]) -> None:
    theatre = stage.Theatre()
    with pytest.raises(ConnectionError):
        async with theatre.lend(fresh=False):
            raise ConnectionError
    assert made == ["machine", "stage", "stage ends", "machine ends"]
    async with theatre.lend(fresh=False):
        assert made[4:] == ["machine", "stage"]
    await theatre.close()


class Log:
    """A log of one lane, for the reader that follows it."""

    def __init__(self, *versions: int) -> None:
        self.rows = [(0, n, KEY, version) for n, version in enumerate(versions, 1)]

    async def fetch(self, _: str, lane: int, after: int) -> list[tuple[int, int, UUID, int]]:
        return [row for row in self.rows if (row[0], row[1] > after) == (lane, True)]


@pytest.mark.parametrize(("versions", "wrong"), [((1, 2, 3), 0), ((1, 3), 1), ((2, 3), 1), ((1, 1), 1)])
async def test_who_reads_the_log_misses_what_was_lost_before_it_had_a_number(
    versions: tuple[int, ...], wrong: int
) -> None:
    reader = Reader(cast("Any", Log(*versions)))
    assert len(await reader.follow()) == wrong
    assert reader.seen_of_others([]) == len(versions)
    assert reader.seen_of_others([KEY]) == len(versions) - versions[-1]
