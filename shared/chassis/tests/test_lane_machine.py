"""A machine that writes, loses, repeats, refuses, fails and sets back one lane, beside a plain list of what was said.

Real are the subscription (what follows, pages, halves, who is given up), the fold of its decisions, and the mender
(holes, heads, numbers that were taken back). What they ask of a database is answered by lists of this test's own,
which are put back when a transaction fails; so are the owner's log and its feed, which are SQL.
"""

import importlib
import logging
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, TypeVar, cast
from uuid import UUID

import httpx
import pytest
import structlog
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from chassis.consume.mending import Mender
from chassis.consume.progress import BEGINNING
from chassis.consume.subscription import Subscription
from chassis.database import COLLISIONS, TROUBLE
from chassis.events.record import Position, Record
from shared.chassis.tests.lane_in_memory import FATES, IN_MEMORY, LANE, Owner, Said, Tables, make_reader
from shared.chassis.tests.steps import CountedMachine, take_steps

T = TypeVar("T")
KINDS = st.sampled_from(("good",) * 5 + ("refused", "unsavable"))
QUIET = structlog.wrap_logger(None, wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """Run what waits for nothing."""
    try:
        work.send(None)
    except StopIteration as end:
        return cast("T", end.value)
    pytest.fail("something waits")


class Lane(CountedMachine):
    """An owner, a topic that has every record that was ever sent, and one who hears."""

    def __init__(self) -> None:
        super().__init__()
        self.tables = Tables()
        self.owner = Owner(self.tables)
        self.topic: list[Record] = []
        self.start_anew()

    def start_anew(self) -> None:
        """Begin a new life with nothing in memory."""
        self.subscription = Subscription(cast("Any", SimpleNamespace(pool=self.tables)), make_reader())
        self.mender = Mender(self.subscription, cast("Any", self.owner))

    def do(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Do what is one step; trouble in the last try of what is given up ends who hears, who is started again."""
        self.did_something()
        try:
            return at_once(work)
        except (*TROUBLE, *COLLISIONS):
            self.start_anew()
            return None

    @rule(kinds=st.lists(KINDS, min_size=1, max_size=5), published=st.booleans())
    def write(self, kinds: Sequence[str], *, published: bool) -> None:
        """Say something; some of it never reaches the topic, though the owner believes so."""
        records = [self.owner.write(kind) for kind in kinds]
        self.topic += records if published else []
        self.did_something()

    @precondition(lambda self: self.topic)
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        """Hand over any stretch of the topic, old ones of lost timelines included; a hole is mended, as readers do."""
        start = data.draw(st.integers(0, len(self.topic) - 1))
        batch = self.topic[start : start + data.draw(st.integers(1, 8))]
        self.do(self.read(batch))

    async def read(self, batch: Sequence[Record]) -> None:
        if await self.subscription.apply("owner", batch):
            await self.mender.try_to_mend("owner", LANE)

    @precondition(lambda self: self.owner.log)
    @rule(data=st.data(), before_it_began=st.booleans())
    def set_back(self, data: st.DataObject, *, before_it_began: bool) -> None:
        """A backup of the owner is restored."""
        self.owner.set_back(data.draw(st.integers(0, len(self.owner.log))), before_it_began=before_it_began)
        self.did_something()

    @rule()
    def check_heads(self) -> None:
        """Ask the owner how far it is, which may be away."""
        with suppress(httpx.ConnectError):
            self.do(self.mender.check_heads("owner"))

    @rule(fates=st.lists(st.sampled_from(("died", *FATES)), min_size=1, max_size=4))
    def make_trouble(self, fates: list[str]) -> None:
        """Choose what becomes of the next transactions."""
        self.tables.fates = list(fates)

    @rule(answers=st.integers(1, 3))
    def go_away(self, answers: int) -> None:
        """The owner's feed does not answer for a while."""
        self.owner.away = answers

    @invariant()
    def nothing_that_stands_is_heard_twice_or_out_of_order(self) -> None:
        standing = {record.id for record in self.owner.log}
        numbers = [line.sequence for line in self.tables.heard if line.id in standing]
        assert numbers == sorted(set(numbers))

    @invariant()
    def the_journal_has_what_became_of_anything(self) -> None:
        heard, dead = (line.id for line in self.tables.heard), (record.id for record in self.tables.dead)
        assert sorted(record.id for record in self.tables.applied) == sorted([*heard, *dead])

    def teardown(self) -> None:
        """No more faults: in the end all that stands was heard or is a dead letter, and nothing else counts."""
        self.tables.fates, self.owner.away = [], 0
        for _ in range(2):
            self.check_heads()
        log = self.owner.log
        assert self.tables.applied == log
        assert [line.id for line in self.tables.heard] == ids(log, good=True)
        assert [record.id for record in self.tables.dead] == ids(log, good=False)
        assert self.tables.at in (Position(self.owner.latest, len(log)), *([] if log else [BEGINNING]))


def ids(records: Sequence[Record], *, good: bool) -> list[UUID]:
    """Return the ids of what is good, or of what is bad."""
    return [each.id for each in records if (Said.model_validate_json(each.body).kind == "good") == good]


def test_the_lane_machine(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, stand_ins in IN_MEMORY.items():
        module = importlib.import_module(f"chassis.consume.{name}")
        monkeypatch.setattr(module, "log", QUIET)
        for what, stand_in in stand_ins.items():
            monkeypatch.setattr(module, what, stand_in)
    take_steps(Lane, steps)
