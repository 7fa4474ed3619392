"""Rules: each version is for ever; editing and switching make a new one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from automation.domain.trigger import TRIGGERS, vocabulary
from chassis.errors import BusinessError, NotFound, VersionMismatch
from chassis.rules import Predicate, Scene, Tree, compile_tree
from schemas.automation import Rule, RuleChanged
from schemas.event import Event

Positions = Mapping[int, tuple[int, int]]
"""Where lanes stood, as (incarnation, sequence)."""

Progress = Mapping[str, Positions]
"""Where the lanes of every source stand."""

NOWHERE: Progress = MappingProxyType({})


class RuleUnknown(NotFound):
    """There is no such rule."""

    slug = "rule-unknown"


class InvalidRule(BusinessError):
    """The rule cannot be stored as it is."""

    slug = "invalid-rule"
    status = 422


class Terms(NamedTuple):
    """What a person says a rule shall be; ``then`` are actions with their parameters as JSON."""

    name: str
    on: str
    when: Tree
    then: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class RuleVersion:
    """One version of a rule. It acts beyond ``positions``, kept with version ``since`` that was switched on."""

    rule_id: UUID
    version: int
    name: str
    on: str
    when: Tree
    then: tuple[Mapping[str, Any], ...]
    active: bool
    since: int | None = None
    positions: Positions = field(default_factory=dict)

    @property
    def source(self) -> str:
        """The service whose lanes the rule listens to."""
        return self.on.split(".", 1)[0]

    @cached_property
    def predicate(self) -> Predicate:
        """The conditions, compiled once. Raises InvalidTree."""
        return compile_tree(self.when, vocabulary(self.on), "when.")

    def hears(self, lane: int, position: tuple[int, int]) -> bool:
        """Tell whether an event stands beyond where its lane was when the rule was switched on."""
        return position > self.positions.get(lane, (0, 0))

    def holds(self, scene: Scene) -> bool:
        """Tell whether the conditions hold. Raises InvalidTree for a tree of fields that are no more."""
        return self.predicate.matches(scene)

    def changed(self) -> RuleChanged:
        """Return the event that says what the rule is now."""
        return RuleChanged(
            rule=Rule(id=self.rule_id, name=self.name, on=self.on, active=self.active, version=self.version)
        )


class RuleBook:
    """The active rules of one moment by the event they listen to; shared by a batch and never changed."""

    def __init__(self, rules: Sequence[RuleVersion] = ()) -> None:
        self._by_event: dict[str, list[RuleVersion]] = {}
        for rule in rules:
            self._by_event.setdefault(rule.on, []).append(rule)

    def __deepcopy__(self, _: object) -> "RuleBook":
        return self

    def hearing(self, event: Event, lane: int, position: tuple[int, int]) -> Iterator[RuleVersion]:
        """Return the rules that an event at its place concerns, in the order they were made."""
        return (rule for rule in self._by_event.get(event.event_type, ()) if rule.hears(lane, position))


class StoreRule(NamedTuple):
    """Make a rule, or a new version of it; without ``active`` it stays on or off as it was."""

    rule_id: UUID
    terms: Terms
    active: bool | None = None
    expected: int | None = None
    progress: Progress = NOWHERE
    new: bool = False


class SwitchRule(NamedTuple):
    """Switch a rule on or off."""

    rule_id: UUID
    active: bool
    expected: int | None = None
    progress: Progress = NOWHERE


@dataclass(slots=True)
class RuleState:
    """One rule as it is, and the version that a command made of it."""

    rule_id: UUID
    current: RuleVersion | None = None
    made: RuleVersion | None = None


def refuse_strangers(event_type: str) -> None:
    """Raise InvalidRule for an event that no rule can listen to."""
    if event_type not in TRIGGERS:
        message = f"a rule listens to one of {', '.join(TRIGGERS)}"
        raise InvalidRule(errors=[{"field": "on", "message": message}])


def store_rule(rule: RuleState, command: StoreRule) -> Iterator[Event]:
    """A rule that fits its event becomes the next version."""
    before = None if command.new else _known(rule, command.expected)
    terms = command.terms
    refuse_strangers(terms.on)
    active = command.active if command.active is not None else before is None or before.active
    then = _named(terms.then, before.then if before else ())
    version = before.version + 1 if before else 1
    made = RuleVersion(rule.rule_id, version, terms.name, terms.on, terms.when, then, active)
    made.predicate  # noqa: B018 - refuses conditions that do not fit the event
    yield from _make(rule, made, command.progress)


def start_rule(rule: RuleState, command: StoreRule) -> Iterator[Event]:
    """A rule of the start is made if it never existed; it acts from the beginning of every lane."""
    if rule.current is None:
        yield from store_rule(rule, command._replace(new=True))


def switch_rule(rule: RuleState, command: SwitchRule) -> Iterator[Event]:
    """A rule that is on or off already stays as it is."""
    before = _known(rule, command.expected)
    if before.active is command.active:
        return
    made = RuleVersion(
        before.rule_id, before.version + 1, before.name, before.on, before.when, before.then, command.active
    )
    yield from _make(rule, made, command.progress)


def _known(rule: RuleState, expected: int | None) -> RuleVersion:
    if rule.current is None:
        raise RuleUnknown
    if expected is not None and expected != rule.current.version:
        raise VersionMismatch
    return rule.current


def _make(rule: RuleState, made: RuleVersion, progress: Progress) -> Iterator[Event]:
    """Keep the positions of a rule that stays on with the same source; else it starts from where lanes stand."""
    before = rule.current
    stays = before is not None and before.active and before.source == made.source
    since, positions = made.version, progress.get(made.source, {})
    if before is not None and stays and before.since is not None:
        since, positions = before.since, before.positions
    if not made.active:
        rule.made = made
    else:
        rule.made = RuleVersion(
            made.rule_id, made.version, made.name, made.on, made.when, made.then, made.active, since, positions
        )
    rule.current = rule.made
    yield rule.current.changed()


def _named(then: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Give actions without an id the id of the same kind of action before, else a new one; ids make requests unique."""
    given = [action["id"] for action in then if action.get("id")]
    if len(set(given)) < len(given):
        raise InvalidRule(errors=[{"field": "then", "message": "two actions have one id"}])
    used = {*given, *(action["id"] for action in before)}
    old = [action for action in before if action["id"] not in given]
    named: list[Mapping[str, Any]] = []
    for action in then:
        chosen = action.get("id") or next((known["id"] for known in old if known["action"] == action["action"]), None)
        if chosen is None:
            number = next(n for n in range(1, len(used) + 2) if f"{action['action']}-{n}" not in used)
            chosen = f"{action['action']}-{number}"
        used.add(chosen)
        old = [known for known in old if known["id"] != chosen]
        named.append({**action, "id": chosen})
    return tuple(named)
