"""A race is fair: in turn, each beginning in every other round, and judged by the median of its rounds."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from bench import race
from bench.race import Lap, Outcome, Race, Row, run, told

TRACK = cast("Any", None)


class Contestants:
    """Two whose figures are known."""

    def __init__(self, floor: list[float], ours: list[float]) -> None:
        self.figures = {"floor": iter(floor), "ours": iter(ours)}
        self.order: list[str] = []

    async def floor(self) -> Lap:
        return self._lap("floor")

    async def ours(self) -> Lap:
        return self._lap("ours")

    def _lap(self, who: str) -> Lap:
        self.order.append(who)
        return Lap(next(self.figures[who]), 2.0 if who == "floor" else 3.0)


def row_of(contestants: Contestants, bar: float | None = 0.8, *, least: bool = True, **said: Any) -> Row:
    @asynccontextmanager
    async def opened(_: object) -> AsyncIterator[Race]:
        yield contestants

    return Row("a row", "", "", "events/s", bar=bar, least=least, open=opened, **said)


async def test_both_are_raced_in_turn_and_the_first_round_does_not_count() -> None:
    contestants = Contestants([1, 100, 100], [1, 90, 70])
    outcome = await run(row_of(contestants), TRACK, 2, lambda _: None)
    assert contestants.order == ["ours", "floor", "floor", "ours", "ours", "floor"]
    assert [lap.figure for lap in outcome.ours] == [90, 70]
    assert outcome.ratio == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("least", "bar", "holds"), [(True, 0.8, True), (True, 0.91, False), (False, 1, True), (False, 0.8, False)]
)
def test_a_bar_is_the_least_or_the_most(least: bool, bar: float, holds: bool) -> None:  # noqa: FBT001
    row = row_of(Contestants([], []), bar, least=least)
    assert Outcome(row, [Lap(100)] * 3, [Lap(90)] * 3).holds == holds


def test_a_machine_that_drifts_meets_both_so_rounds_are_compared_and_not_medians() -> None:
    row = row_of(Contestants([], []))
    outcome = Outcome(row, [Lap(10), Lap(20), Lap(40)], [Lap(9), Lap(18), Lap(36)])
    assert outcome.ratio == pytest.approx(0.9)
    assert outcome.spread == pytest.approx(1.5)


def test_a_row_may_be_judged_by_its_cpu_and_tells_both() -> None:
    outcome = Outcome(row_of(Contestants([], []), 1.3, least=False, by="cpu"), [Lap(100, 2)], [Lap(50, 3)])
    assert (outcome.judged, outcome.cpu_ratio, outcome.holds) == (1.5, 1.5, False)
    said = outcome.as_json()
    assert (said["judged"], said["ratio"], said["floor"]) == (1.5, 0.5, told([Lap(100, 2)]))


@pytest.mark.parametrize(("by", "judged"), [("difference", 7), ("alone", 12)])
def test_a_row_may_be_judged_by_how_much_more_it_is_or_alone(by: str, judged: float) -> None:
    outcome = Outcome(row_of(Contestants([], []), 10, least=False, by=by), [Lap(5)] * 3, [Lap(12)] * 3)
    assert (outcome.judged, outcome.ratio, outcome.holds) == (judged, 2.4, judged <= 10)


def test_a_row_without_a_bar_is_stated() -> None:
    assert Outcome(row_of(Contestants([], []), None), [Lap(100)], [Lap(1)]).holds


async def test_what_takes_long_is_run_once_its_floor_first() -> None:
    contestants = Contestants([100], [90])
    outcome = await run(row_of(contestants, once=True), TRACK, 5, lambda _: None)
    assert contestants.order == ["floor", "ours"]
    assert outcome.ratio == pytest.approx(0.9)


def test_a_contestant_that_did_nothing_has_met_no_bar() -> None:
    outcome = Outcome(row_of(Contestants([], []), 1.3, least=False), [Lap(0)], [Lap(90)])
    with pytest.raises(ValueError, match="did nothing"):
        _ = outcome.holds


def test_a_lap_tells_what_else_there_is_to_know_of_it() -> None:
    lap = Lap(1.234, also=(("rate", 41.2), ("samples", 2000)))
    assert str(lap) == "1.23 (rate 41.2, samples 2,000)"
    assert told([lap]) == {
        "figure": 1.234, "cpu": None, "also": {"rate": 41.2, "samples": 2000}, "laps": [1.234], "series": ()
    }  # fmt: skip


def test_of_laps_the_medians_are_told() -> None:
    said = told([Lap(n, n * 2, (("rate", n * 3),), ((1, n),)) for n in (5, 1, 2)])
    assert said == {"figure": 2, "cpu": 4, "also": {"rate": 6}, "laps": [5, 1, 2], "series": ((1, 2),)}


def test_cpu_that_nobody_measured_has_no_ratio() -> None:
    row = row_of(Contestants([], []))
    assert Outcome(row, [Lap(1)], [Lap(2)]).cpu_ratio is None
    with pytest.raises(ValueError, match="did nothing"):
        _ = Outcome(row_of(Contestants([], []), 1, by="cpu"), [Lap(1)], [Lap(2)]).judged


async def test_what_is_run_once_is_unsteady_where_the_machine_drifts(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([1.0, 1.2])
    monkeypatch.setattr(race, "calibrate", lambda: next(seconds))
    outcome = await run(row_of(Contestants([100], [90]), once=True), TRACK, 5, lambda _: None)
    assert outcome.spread == pytest.approx(0.2)
    assert outcome.as_json()["spread"] == outcome.spread
