"""What arrives by its own clock waits for nobody, and its time counts from when it was due."""

import asyncio
import time
from statistics import mean

import pytest

from bench.arrivals import at_once, keep_pace, percentile, schedule, slowest


def test_arrivals_are_by_chance_and_the_same_for_the_same_seed() -> None:
    instants = schedule(50, 5_000, seed=1)
    assert instants == schedule(50, 5_000, seed=1) != schedule(50, 5_000, seed=2)
    gaps = [after - before for before, after in zip([0, *instants], instants, strict=False)]
    assert min(gaps) >= 0
    assert mean(gaps) == pytest.approx(1 / 50, rel=0.1)
    assert sum(gap > 3 / 50 for gap in gaps) > 100, "they would come as a clock ticks"


@pytest.mark.parametrize(
    ("values", "hundredth", "found"),
    [([3, 1, 2], 50, 2), ([3, 1, 2], 1, 1), ([3, 1, 2], 100, 3), (range(1, 101), 99, 99), (range(1, 102), 99, 100)],
)
def test_a_percentile_is_by_nearest_rank(values: list[float], hundredth: int, found: float) -> None:
    assert percentile(values, hundredth) == found


def test_a_lap_says_what_the_slowest_of_a_hundred_took_in_milliseconds_and_what_else_there_is() -> None:
    lap = slowest([n / 1000 for n in range(1, 201)], rate=40)
    assert lap.figure == pytest.approx(198)
    assert dict(lap.also) == {"median": pytest.approx(100), "samples": 200, "rate": 40}


async def test_nobody_waits_for_who_is_slow_and_who_is_late_counts_from_when_it_was_due() -> None:
    all_three = asyncio.Barrier(3)

    async def act(_: int) -> None:
        async with asyncio.timeout(10):
            await all_three.wait()

    served = await keep_pace("acts", [0, 0.01, 0.02], act)
    assert [each.due - served[0].due for each in served] == pytest.approx([0, 0.01, 0.02])
    assert served[0].done - served[0].due >= 0.02, "the first had to wait for the last"


async def test_a_sender_that_was_kept_from_sending_is_late() -> None:
    async def keep_everybody(number: int) -> None:
        if number == 0:
            time.sleep(0.2)  # noqa: ASYNC251  # lint-skip: sleep the loop stands still

    _, second = await keep_pace("acts", [0, 0.05], keep_everybody)
    assert second.done - second.due >= 0.15


async def test_as_many_are_under_way_as_there_are_hands() -> None:
    under_way, seen = 0, set[int]()

    async def act(_: int) -> None:
        nonlocal under_way
        under_way += 1
        seen.add(under_way)
        await asyncio.sleep(0)
        under_way -= 1

    assert await at_once(20, 4, act) > 0
    assert max(seen) == 4
