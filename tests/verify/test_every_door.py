"""Every route, every role: who may not is refused and changes no row; who may is let in, and changes one."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from chassis.testing import drop_database
from tests.verify.conftest import Told, copy, name_of
from tests.verify.doors import ANYBODY, CHANGES, SIGNED, doors_of, opens
from tests.verify.house import House, every_service, keys_by_role, keys_that_open_nothing


@pytest.fixture
def house(told: Told, name: str, tmp_path: Path) -> Iterator[House]:
    dsn = asyncio.run(copy(told.databases[name]))
    yield House(told, name, dsn, tmp_path)
    asyncio.run(drop_database(name_of(dsn)))


@every_service
def test_every_door_is_written_down(house: House, name: str) -> None:
    assert house.routes.keys() == doors_of(name).keys()


@every_service
def test_who_may_not_enter_is_refused_and_changes_no_row(house: House, name: str) -> None:
    async def knocking() -> None:
        async with house.opened():
            before = await house.rows()
            for door, who in doors_of(name).items():
                for role, key in keys_by_role().items():
                    if who != ANYBODY and not opens(role, who):
                        expected = 401 if who == SIGNED else 403
                        assert (door, role, await house.knock(door, key)) == (door, role, expected)
                for kind, key in keys_that_open_nothing().items():
                    if who != ANYBODY:
                        assert (door, kind, await house.knock(door, key)) == (door, kind, 401)
                assert await house.rows() == before, door

    asyncio.run(knocking())


@every_service
def test_of_who_has_no_good_key_no_door_reads_a_body_or_takes_a_connection(house: House, name: str) -> None:
    """Asked while every connection of the service is taken: who would wait for one is not answered."""

    async def knocking() -> None:
        strangers = {kind: key for kind, key in keys_that_open_nothing().items() if kind != "a revoked one"}
        async with house.opened(), AsyncExitStack() as held:
            for _ in range(house.one.database.pool.get_max_size()):
                await held.enter_async_context(house.one.database.pool.acquire())
            async with asyncio.timeout(30):
                for door, who in doors_of(name).items():
                    for kind, key in strangers.items():
                        if who not in {ANYBODY, SIGNED}:
                            assert (door, kind, await house.knock_unheard(door, key)) == (door, kind, 401)

    asyncio.run(knocking())


@every_service
def test_who_may_enter_is_let_in_and_a_change_changes_rows(house: House, name: str) -> None:
    async def knocking() -> None:
        doors = doors_of(name)
        changes = [door for door in CHANGES if door in doors]
        async with house.opened():
            for door in (*(doors.keys() - CHANGES.keys()), *changes):
                for role, key in keys_by_role().items():
                    if opens(role, doors[door]):
                        before = await house.rows()
                        status = await house.knock(door, key)
                        changed = await house.rows() != before
                        if role == doors[door] or door not in CHANGES:
                            assert status // 100 == 2 or (door, status) == ("retry", 409), (door, role, status)
                            assert changed == house.changes(door), (door, role)
                        else:
                            assert status not in {401, 403}, (door, role)

    asyncio.run(knocking())
