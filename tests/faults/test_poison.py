"""What is broken among good events is drawn: every kind, and every place."""

from collections import Counter

from tests.faults.row import Draw
from tests.faults.rows.poison import BATCH, CASES, KINDS, cases


def test_a_hundred_cases_are_a_hundred_draws_of_all_kinds_and_places() -> None:
    drawn = [case for seed in range(10) for case in cases(Draw("poison", seed))]
    kinds = Counter(case.kind for case in drawn)
    assert len(drawn) == 10 * CASES == 100
    assert set(kinds) == set(KINDS)
    assert all(case.bad <= set(range(BATCH)) for case in drawn)
    assert len({case.bad for case in drawn if case.kind == "one"}) > kinds["one"] * 0.9
    assert {0, BATCH - 1} <= {place for case in drawn if case.kind == "several" for place in case.bad}


def test_a_short_run_has_a_case_of_each_kind() -> None:
    short = cases(Draw("poison", 0, short=True))
    assert [case.kind for case in short] == list(KINDS)
    assert [len(case.bad) for case in short if case.kind in {"one", "all"}] == [1, BATCH]
