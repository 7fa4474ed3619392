"""The book of rules while another database takes the place of one that still answers."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest

from automation.store.rules import EVERYBODY, Book
from chassis.events.unit import Unit
from services.automation.tests.factories import paid

SHARED, RULE = UUID(int=1), UUID(int=2)
BEFORE = datetime(2026, 11, 1, tzinfo=UTC)
AFTER = BEFORE + timedelta(hours=1)


class Standing:
    """A database: its identity, when each of its rules was made, and whether it tells of versions by now."""

    def __init__(self, identity: str, made: dict[UUID, datetime]) -> None:
        self.identity, self.connection, self._made = identity, self, made
        self.asked, self.tells = asyncio.Event(), asyncio.Event()
        self.tells.set()

    async def fetch(self, _: str, *wanted: list[Any]) -> list[dict[str, Any]]:
        if not wanted:
            return [{"id": rule, "version": 5, "made_at": made} for rule, made in self._made.items()]
        self.asked.set()
        await self.tells.wait()
        return [self._row(rule) for rule in wanted[0]]

    def _row(self, rule: UUID) -> dict[str, Any]:
        return {
            "rule_id": rule, "version": 5, "name": str(self._made[rule]), "event_type": "orders.order_paid.v1",
            "conditions": '{"rules": []}', "actions": "[]", "active": True, "since": 5,
            "lanes": [], "incarnations": [], "sequences": [],
        }  # fmt: skip


async def names(book: Book, database: Standing) -> list[str]:
    """Return the names of the rules by which a unit of a database goes."""
    loaded = await book.load(cast(Unit, database), [])
    return [rule.name for rule in loaded[EVERYBODY].hearing(paid("1"), 0, (1, 1))]


@pytest.mark.parametrize("kept", [{}, {SHARED: BEFORE}])
async def test_what_the_database_before_tells_late_is_for_who_asked_it_alone(kept: dict[UUID, datetime]) -> None:
    book = Book()
    await names(book, Standing("before", {SHARED: BEFORE}))
    before, promoted = Standing("before", {SHARED: BEFORE, RULE: BEFORE}), Standing("promoted", {**kept, RULE: AFTER})
    before.tells.clear()
    late = asyncio.create_task(names(book, before))
    await before.asked.wait()
    now = [str(made) for made in (*kept.values(), AFTER)]
    assert await names(book, promoted) == now
    before.tells.set()
    assert await late == [str(BEFORE), str(BEFORE)]
    assert await names(book, promoted) == now
