"""A relay at work in tests: events in every lane, and when all of them are published."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from aiokafka import ConsumerRecord

from chassis.events import relay
from chassis.events.lanes import lane_of
from chassis.events.relay import Relay
from chassis.events.unit import unit_of_work
from chassis.points import reach
from chassis.testing import Bench
from schemas.loyalty import Account, PointsEarned

KEYS = {lane_of(UUID(int=number)): UUID(int=number) for number in range(600)}
UNMOVED = "select distinct lane % 4 from chassis.cursors where sequence = 0"
UNPUBLISHED = "select count(*) from chassis.counters join chassis.cursors using (lane) where head <> sequence"


async def write(bench: Bench, each: int) -> None:
    """Write some events in every lane."""
    async with unit_of_work(bench.database, "till") as unit:
        for key in KEYS.values():
            account = Account(client_id=key, points=1, tier="bronze", version=1)
            unit.publish(*[PointsEarned(account=account, points=1)] * each)


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Give a signal that is set whenever cursors have been written."""
    signal = asyncio.Event()

    def passing(point: str) -> None:
        reach(point)
        if point == "cursor.written":
            signal.set()

    monkeypatch.setattr(relay, "reach", passing)
    return signal


@asynccontextmanager
async def relaying(bench: Bench, topic: Any) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(Relay(bench.database, "till", topic.bootstrap, topic.name).run())
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def all_published(bench: Bench, moved: asyncio.Event) -> None:
    async with asyncio.timeout(60):
        while (await bench.rows(UNPUBLISHED))[0]["count"]:
            await moved.wait()
            moved.clear()


def places(found: list[ConsumerRecord]) -> dict[int, list[int]]:
    """Return the numbers of each lane in the order they came."""
    lanes: dict[int, list[int]] = defaultdict(list)
    for record in found:
        headers = dict(record.headers)
        lane = int(headers["ce_lane"])
        assert record.partition == lane % 4
        lanes[lane].append(int(headers["ce_sequence"]))
    return lanes
