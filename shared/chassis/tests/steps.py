"""Machines of Hypothesis whose steps are counted: what finds nothing to do is no step."""

from typing import ClassVar

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

IN_A_ROW, AT_ONCE = 50, 200
"""Steps of a story, and stories of one run: Hypothesis remembers all of a run, and thousands make it slow."""
TRIED = 4
"""So many times the steps are tried at most, since some do nothing."""


class CountedMachine(RuleBasedStateMachine):
    """A machine that says of each step that did something."""

    taken: ClassVar[int] = 0

    def did_something(self) -> None:
        """Count a step."""
        type(self).taken += 1


def take_steps(machine: type[CountedMachine], steps: int) -> None:
    """Run a machine until it has taken so many steps that did something, as many as may be of one story.

    Where ``CI`` is set, Hypothesis would tell the same stories in each of these runs; they are new ones here.
    """
    machine.taken, left = 0, TRIED * steps // IN_A_ROW + 1
    while machine.taken < steps and left > 0:
        stories = min(AT_ONCE, left, (steps - machine.taken) // IN_A_ROW + 1)
        left -= stories
        many = settings(
            max_examples=stories, stateful_step_count=IN_A_ROW, deadline=None, suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False, derandomize=False,
        )  # fmt: skip
        run_state_machine_as_test(machine, settings=many)
    assert machine.taken >= steps, f"only {machine.taken} of {steps} steps did something"
