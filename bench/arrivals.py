"""What comes by its own clock: when, how long each had to wait, and what the slowest of a hundred had to."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import accumulate
from math import ceil
from random import Random
from typing import NamedTuple

from bench.race import Lap
from bench.share import Seldom

AWAKE = 0.002
"""Seconds before something is due from which its sender no longer sleeps: a loop's sleep ends a millisecond late."""


class Served(NamedTuple):
    """When something was due, and when it was done, by this process' clock."""

    due: float
    done: float


def schedule(rate: float, number: int, seed: int) -> list[float]:
    """Return in which second each of so many arrives, ``rate`` in one: by chance, and the same for the same seed."""
    chance = Random(seed)  # noqa: S311 - nobody is to be kept from guessing it
    return list(accumulate(chance.expovariate(rate) for _ in range(number)))


def percentile(values: Sequence[float], hundredth: int) -> float:
    """Return the value that so many hundredths of all do not exceed, by nearest rank.

    >>> percentile([40, 10, 20, 30], 50), percentile(range(1, 201), 99), percentile([7], 99)
    (20, 198, 7)
    """
    return sorted(values)[max(ceil(hundredth * len(values) / 100), 1) - 1]


async def keep_pace(name: str, instants: Sequence[float], act: Callable[[int], Awaitable[object]]) -> list[Served]:
    """Begin each act at its instant, whatever became of those before; return what came of all.

    Its time counts from when it was due, so what is late because others were slow is late. What takes long is told
    under its ``name``.
    """
    served: list[Served] = []
    telling = Seldom(name)
    began = time.perf_counter() + AWAKE

    async def one(number: int, due: float) -> None:
        await act(number)
        served.append(Served(due, time.perf_counter()))

    async with asyncio.TaskGroup() as acts:
        for number, instant in enumerate(instants):
            await _until(began + instant)
            telling.say(f"{number:,} of {len(instants):,}")
            acts.create_task(one(number, began + instant))
    return sorted(served)


async def _until(due: float) -> None:
    await asyncio.sleep(max(due - AWAKE - time.perf_counter(), 0))
    while time.perf_counter() < due:  # noqa: ASYNC110 - it is the clock that is waited for
        await asyncio.sleep(0)


async def at_once(number: int, hands: int, act: Callable[[int], Awaitable[object]]) -> float:
    """Do so many acts with so many hands, each beginning the next when one is done; return how many in a second."""
    left = iter(range(number))

    async def hand() -> None:
        for each in left:
            await act(each)

    began = time.perf_counter()
    await asyncio.gather(*(hand() for _ in range(hands)))
    return number / (time.perf_counter() - began)


def slowest(seconds: Sequence[float], **also: float) -> Lap:
    """Return a lap whose figure is what the slowest of a hundred took, in milliseconds, and which tells the median."""
    told = {"median": percentile(seconds, 50) * 1e3, "samples": len(seconds), **also}
    return Lap(percentile(seconds, 99) * 1e3, also=tuple(told.items()))
