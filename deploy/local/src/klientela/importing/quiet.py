"""Waiting until the suite has worked off what it was given: intake empty, all told, all heard."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from klientela.errors import Refusal
from klientela.importing.suite_api import SuiteApi

LOOK = 0.5
STUCK = 120.0
"""Seconds without any change after which waiting is given up."""

Statuses = Mapping[str, Mapping[str, Any]]
"""What each service's `GET /v1/status` says."""


@dataclass(frozen=True)
class Backlog:
    """What is still to be done: raw messages, events not yet in Kafka, events not yet heard, and what waits."""

    intake: int
    unpublished: int
    unheard: int
    parked: int
    timers: int
    jobs: int
    heads: tuple[object, ...]

    @classmethod
    def of(cls, statuses: Statuses) -> "Backlog":
        """Add up what the services say of themselves."""
        heads = {name: heads_of(status) for name, status in statuses.items()}
        return cls(
            intake=sum(status["intake"] for status in statuses.values()),
            unpublished=sum(
                max(head - published, 0)
                for status in statuses.values()
                for _, head, published in status["heads"].values()
            ),
            unheard=sum(unheard(status["progress"], heads) for status in statuses.values()),
            parked=sum(status["parked"] for status in statuses.values()),
            timers=sum(status["timers_due"] for status in statuses.values()),
            jobs=sum(status["jobs"] for status in statuses.values()),
            heads=tuple(sorted((name, lane, *place) for name, lanes in heads.items() for lane, place in lanes.items())),
        )

    @property
    def size(self) -> int:
        """How much that is; events cause events, so one look that finds nothing proves nothing."""
        return self.intake + self.unpublished + self.unheard + self.parked + self.timers + self.jobs

    def __str__(self) -> str:
        return (
            f"{self.intake} raw messages, {self.unpublished} events to publish, {self.unheard} events to hear, "
            f"{self.parked} parked, {self.timers} timers due, {self.jobs} lanes of jobs to do"
        )


def heads_of(status: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Incarnation and number of the last event of each lane of one owner."""
    return {lane: (incarnation, head) for lane, (incarnation, head, _) in status["heads"].items()}


def unheard(progress: Mapping[str, Mapping[str, str]], heads: Mapping[str, Mapping[str, tuple[int, int]]]) -> int:
    """How many events of others one service has still to hear, of those it listens to."""
    return sum(
        behind(lanes.get(lane, "0:0"), head)
        for source, lanes in progress.items()
        for lane, head in heads.get(source, {}).items()
    )


def behind(position: str, head: tuple[int, int]) -> int:
    """Events between a position, written incarnation:number, and the head of its lane."""
    incarnation, number = (int(part) for part in position.split(":"))
    if (incarnation, number) >= head:
        return 0
    return max(head[1] - number, 1) if head[1] else 0


async def look(api: SuiteApi) -> Backlog:
    """Ask all services at once."""
    said = await asyncio.gather(*(api.get(name, "/v1/status") for name in api.services))
    return Backlog.of(dict(zip(api.services, said, strict=True)))


async def worked_off(api: SuiteApi, tell: Callable[[Backlog], None], stuck: float = STUCK) -> None:
    """Wait until two looks in a row find nothing to do and nothing new. Raises Refusal when nothing moves any more."""
    clock = asyncio.get_running_loop()
    before: Backlog | None = None
    moved = clock.time()
    while True:
        now = await look(api)
        tell(now)
        if now == before:
            if not now.size:
                return
            if clock.time() - moved > stuck:
                raise Refusal(
                    f"All orders were sent, but for {stuck:.0f} s the suite has not moved: {now}. "
                    "Look at `klientela status`; the same command goes on from there."
                )
        else:
            before, moved = now, clock.time()
        await asyncio.sleep(LOOK)
