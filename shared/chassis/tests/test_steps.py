"""The counter of steps: it counts what did something, and its stories are new ones each time."""

from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from shared.chassis.tests.steps import CountedMachine, take_steps

TOLD: list[int] = []


class Teller(CountedMachine):
    """A machine that writes down what it draws."""

    @rule(number=st.integers(0, 10**9))
    def tell(self, number: int) -> None:
        TOLD.append(number)
        self.did_something()


class Idler(CountedMachine):
    """A machine that finds nothing to do."""

    @rule()
    def idle(self) -> None:
        """Do nothing."""


@pytest.fixture
def like_ci() -> Iterator[None]:
    """Hypothesis as it is where ``CI`` is set."""
    before = settings.get_current_profile_name()
    settings.load_profile("ci")
    yield
    settings.load_profile(before)


@pytest.mark.usefixtures("like_ci")
def test_two_runs_tell_different_stories_where_ci_is_set() -> None:
    told = []
    for _ in range(2):
        TOLD.clear()
        take_steps(Teller, 100)
        told.append(list(TOLD))
    assert told[0] != told[1]


def test_what_does_nothing_is_no_step() -> None:
    with pytest.raises(AssertionError, match="only 0 of 100 steps"):
        take_steps(Idler, 100)
