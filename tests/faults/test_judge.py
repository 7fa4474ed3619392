"""The judge finds what differs from what was sent; a row calls late what recovers late."""

from decimal import Decimal
from types import SimpleNamespace
from typing import cast

from tests.faults.inputs import Inputs
from tests.faults.judge import Verdict, compare
from tests.faults.row import Draw, Outcome, Row
from tests.faults.rows import ROWS
from tests.faults.stage import Stage
from tests.shop import ShopOrder


def test_the_judge_names_what_is_less_and_what_is_more() -> None:
    inputs = Inputs(sent=[ShopOrder(1, Decimal(1000), "25596641")])
    should = inputs.truth()
    less, more = ({"25596641": should["25596641"]._replace(points=points)} for points in (99, 101))
    assert compare(should, less) == (["points of 25596641: 99, not 100"], [])
    assert compare(should, more) == ([], ["points of 25596641: 101, not 100"])
    assert len(compare(should, {})[0]) == 4
    assert len(compare({}, should)[1]) == 3
    assert compare(should, should) == ([], [])


def test_a_verdict_counts_each_kind_and_says_why() -> None:
    verdict = Verdict()
    verdict.add_differences((["a", "b"], ["c"]))
    verdict.add("stuck", ["d"])
    assert verdict.counts == (2, 1, 0, 1)
    assert verdict.reasons == ["lost: a", "lost: b", "doubled: c", "stuck: d"]


async def test_who_recovers_late_is_stuck() -> None:
    async def run(_stage: Stage, _random: Draw) -> Outcome:
        return Outcome(1, Verdict(), [59.9, 65.0])

    stage, random = cast(Stage, SimpleNamespace(load=SimpleNamespace())), Draw("late", 1)
    assert (await Row("late", "", 1, 1, run).strike(stage, random)).verdict.reasons == [
        "stuck: recovered after 65 s, over 60 s"
    ]
    assert (await Row("late", "", 1, 1, run, within=100).strike(stage, random)).verdict.reasons == []
    assert {name: row.within for name, row in ROWS.items() if row.within != 60} == {
        "lose-kafka": 100,
        "first-fill": 100,
    }
