"""A machine that writes, loses, repeats and rewinds one lane, beside a plain list of what was to be heard.

What follows in a batch, and in which order, is decided by the chassis; the owner's log, its incarnations, its feed and
the mending of holes are this test's own, as the protocol has them. MACHINE_STEPS says how many steps in all.
"""

import os
from itertools import count
from typing import NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from chassis.consume.progress import BEGINNING, following
from chassis.events.record import Position, Record

STEPS, IN_A_ROW = int(os.environ.get("MACHINE_STEPS", "5000")), 50


class Row(NamedTuple):
    """One event of the owner's log; ``name`` tells it from any other that had its number."""

    position: Position
    name: int

    def record(self) -> Record:
        place = (self.position.sequence, self.position.incarnation)
        return Record("", 0, *place, self.name, *[None] * 11)  # type: ignore[arg-type]


class Lane(RuleBasedStateMachine):
    """An owner, a topic that has every row that was ever sent, and a consumer."""

    def __init__(self) -> None:
        super().__init__()
        self.names, self.clock = count(1), count(1)
        self.log: list[Row] = []
        self.incarnations = [(next(self.clock), 1)]
        self.topic: list[Row] = []
        self.at = BEGINNING
        self.heard: list[Row] = []

    @rule(events=st.integers(1, 5), published=st.booleans())
    def write(self, events: int, *, published: bool) -> None:
        """Write rows; some never reach the topic, though the owner believes so."""
        for _ in range(events):
            self.log.append(Row(Position(self.incarnations[-1][0], len(self.log) + 1), next(self.names)))
            if published:
                self.topic.append(self.log[-1])

    @precondition(lambda self: self.topic)
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        """Hand the consumer any stretch of the topic, old ones of lost timelines included."""
        start = data.draw(st.integers(0, len(self.topic) - 1))
        batch = self.topic[start : start + data.draw(st.integers(1, 8))]
        fresh, moved, holes, _ = following([row.record() for row in batch], {0: self.at})
        sent = {row.position: row for row in batch}
        self.apply([sent[record.position] for record in fresh])
        assert moved.get(0, self.at) == (fresh[-1].position if fresh else self.at)
        if holes:
            self.mend()

    @precondition(lambda self: self.log)
    @rule(data=st.data())
    def rewind(self, data: st.DataObject) -> None:
        """The owner's database is set back: a new incarnation takes the lost numbers over."""
        self.log = self.log[: data.draw(st.integers(0, len(self.log)))]
        start = len(self.log) + 1
        self.incarnations.append((next(self.clock) + 100, start))
        self.clock = count(self.incarnations[-1][0] + 1)

    @rule()
    def mend(self) -> None:
        """Read the feed to its end, page by page, as it serves positions of any incarnation."""
        while True:
            taken_back = [start - 1 for number, start in self.incarnations if number > self.at.incarnation]
            resumed = min([self.at.sequence, *taken_back])
            page = self.log[resumed : resumed + 3]
            self.heard = [row for row in self.heard if row.position.sequence <= resumed or row in self.log]
            self.apply(page)
            if not page:
                current = max(number for number, start in self.incarnations if start <= resumed + 1)
                self.at = Position(max(self.at.incarnation, current), resumed)
                return

    def apply(self, rows: list[Row]) -> None:
        for row in rows:
            self.heard.append(row)
            self.at = row.position

    @invariant()
    def nothing_that_stands_is_heard_twice(self) -> None:
        standing = [row for row in self.heard if row in self.log]
        assert len(standing) == len(set(standing))

    @invariant()
    def what_stands_is_heard_in_its_order(self) -> None:
        standing = [row.position for row in self.heard if row in self.log]
        assert standing == sorted(standing)

    def teardown(self) -> None:
        """In the end everything that stands was heard, and nothing that was taken back counts."""
        self.mend()
        assert [row for row in self.heard if row in self.log] == self.log
        assert self.at.sequence == len(self.log)


def test_the_lane_machine() -> None:
    many = settings(
        max_examples=STEPS // IN_A_ROW, stateful_step_count=IN_A_ROW, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(Lane, settings=many)
