"""Rules over HTTP: anybody with a key reads them, managers write them."""

from typing import Annotated
from uuid import UUID, uuid4

from fastapi import Query

from automation import commands, store
from automation.domain.rule import Terms
from automation.http.models import RuleView, RuleWanted
from chassis.web.paging import Count, Cursor, Limit, Page, encode_cursor, number, read_cursor
from chassis.web.preconditions import Expected
from chassis.web.route import Manages, Reads, router

routes = router("rules")


On = Annotated[str | None, Query(max_length=200, description="Only rules that listen to this event")]


@routes.get("/rules")
async def list_rules(
    unit: Reads,
    on: On = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    *,
    active: bool | None = None,
    count: Count = False,
) -> Page[RuleView]:
    """List rules in the order they were made."""
    rows = await store.list_rules(unit, number_after(cursor, 0), limit + 1, active=active, event_type=on)
    shown = await store.list_versions(unit, [(row["id"], row["version"]) for row in rows[:limit]])
    return Page(
        items=[RuleView.of(rule) for rule in shown],
        next=encode_cursor(rows[limit - 1]["number"]) if len(rows) > limit else None,
        count=await store.count_rules(unit, active=active, event_type=on) if count else None,
    )


@routes.post("/rules", status_code=201)
async def make_rule(unit: Manages, wanted: RuleWanted) -> RuleView:
    """Make a rule; switched on, it acts on events after those heard so far."""
    return RuleView.of(
        await commands.store_a_rule(
            unit, uuid4(), _terms(wanted), wanted.then, active=wanted.active, expected=None, new=True
        )
    )


@routes.get("/rules/{rule_id}")
async def get_rule(unit: Reads, rule_id: UUID) -> RuleView:
    """Return a rule as it is now."""
    return RuleView.of(await store.get_rule(unit, rule_id))


@routes.put("/rules/{rule_id}")
async def change_rule(unit: Manages, rule_id: UUID, wanted: RuleWanted, expected: Expected) -> RuleView:
    """Give a rule a new version; it acts on later events, those before were the old version's."""
    return RuleView.of(
        await commands.store_a_rule(
            unit, rule_id, _terms(wanted), wanted.then, active=wanted.active, expected=expected, new=False
        )
    )


@routes.post("/rules/{rule_id}/on")
async def switch_on(unit: Manages, rule_id: UUID, expected: Expected) -> RuleView:
    """Switch a rule on: it acts on events after those heard so far."""
    return RuleView.of(await commands.switch_a_rule(unit, rule_id, active=True, expected=expected))


@routes.post("/rules/{rule_id}/off")
async def switch_off(unit: Manages, rule_id: UUID, expected: Expected) -> RuleView:
    """Switch a rule off."""
    return RuleView.of(await commands.switch_a_rule(unit, rule_id, active=False, expected=expected))


@routes.get("/rules/{rule_id}/versions")
async def list_versions(
    unit: Reads, rule_id: UUID, limit: Limit = 100, cursor: Cursor = None, *, count: Count = False
) -> Page[RuleView]:
    """List what a rule was, the newest version first."""
    newest = (await store.get_rule(unit, rule_id)).version
    first = min(newest, number_after(cursor, newest + 1) - 1)
    wanted = range(first, max(first - limit, 0), -1)
    shown = await store.list_versions(unit, [(rule_id, version) for version in wanted])
    last = wanted[-1] if wanted else 1
    return Page(
        items=[RuleView.of(rule) for rule in shown],
        next=encode_cursor(last) if last > 1 else None,
        count=newest if count else None,
    )


def number_after(cursor: str | None, first: int) -> int:
    """Return the number that a page begins after. Raises Invalid."""
    if cursor is None:
        return first
    (after,) = read_cursor(cursor, number)
    return int(after)


def _terms(wanted: RuleWanted) -> Terms:
    return Terms(wanted.name, wanted.on, wanted.when, ())
