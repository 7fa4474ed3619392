"""The verbs of rules: each locks where the lanes stand before it locks the rule, as batches do."""

from collections.abc import Sequence
from uuid import UUID

from automation import store
from automation.actions import refuse_misfits
from automation.actions.action import Action
from automation.domain.rule import (
    RuleState,
    RuleVersion,
    StoreRule,
    SwitchRule,
    Terms,
    refuse_strangers,
    start_rule,
    store_rule,
    switch_rule,
)
from automation.domain.starter import STARTERS
from chassis.consume.fold import perform
from chassis.events.unit import Unit


async def store_a_rule(
    unit: Unit,
    rule_id: UUID,
    terms: Terms,
    actions: Sequence[Action],
    *,
    active: bool | None,
    expected: int | None,
    new: bool,
) -> RuleVersion:
    """Make a rule, or its next version. Raises RuleUnknown, InvalidRule, InvalidTree and VersionMismatch."""
    refuse_strangers(terms.on)
    refuse_misfits(actions, terms.on)
    spoken = terms._replace(then=[action.model_dump(mode="json") for action in actions])
    progress = await store.lock_progress(unit)
    return _current(
        await perform(unit, store_rule, StoreRule(rule_id, spoken, active, expected, progress, new), store.rules)
    )


async def switch_a_rule(unit: Unit, rule_id: UUID, *, active: bool, expected: int | None) -> RuleVersion:
    """Switch a rule on, from the present positions of its lanes, or off. Raises RuleUnknown and VersionMismatch."""
    progress = await store.lock_progress(unit)
    return _current(await perform(unit, switch_rule, SwitchRule(rule_id, active, expected, progress), store.rules))


async def seed_rules(unit: Unit) -> None:
    """Put in the rules of the start that never existed."""
    for rule_id, terms in STARTERS.items():
        await perform(unit, start_rule, StoreRule(rule_id, terms), store.rules)


def _current(rule: RuleState) -> RuleVersion:
    if rule.current is None:
        message = "a command left no rule"
        raise RuntimeError(message)
    return rule.current
