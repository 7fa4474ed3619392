"""The trace: which rule acted on which event, and what it asked for."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from automation.domain.rule import RuleVersion
from schemas.event import Event
from schemas.ids import derive

Outcome = Literal["acted", "partly", "failed"]


class Occasion(NamedTuple):
    """One event on which one rule acts for one client; ``at`` is business time."""

    rule: RuleVersion
    event: Event
    event_id: UUID
    client_id: UUID
    at: datetime

    @property
    def run_id(self) -> UUID:
        """The same for ever: a rule acts on an event once."""
        return derive("run", self.rule.rule_id, self.event_id)


@dataclass(frozen=True, slots=True)
class Step:
    """One action of a run: the request it made, or the slug of why it made none."""

    action_id: str
    action: str
    request: Event | None = None
    reason: str = ""

    @property
    def request_id(self) -> UUID | None:
        """The id by which the owner knows the request."""
        return self.request.subject_id if self.request else None


@dataclass(frozen=True, slots=True)
class Run:
    """One rule acting on one event."""

    occasion: Occasion
    source: str
    lane: int
    sequence: int
    steps: tuple[Step, ...]

    @property
    def outcome(self) -> Outcome:
        """How much of what the rule wants was asked for."""
        asked = sum(step.request is not None for step in self.steps)
        if asked == len(self.steps):
            return "acted"
        return "partly" if asked else "failed"


@dataclass(slots=True)
class Trace:
    """The runs that a client's events of a batch have had before, and new ones; ``now`` is business time."""

    client_id: UUID
    now: datetime
    known: set[UUID] = field(default_factory=set)
    new: list[Run] = field(default_factory=list)

    def keep(self, run: Run) -> None:
        """Add a run."""
        self.known.add(run.occasion.run_id)
        self.new.append(run)
