"""What is not meant cannot be named: a real thing of another kind is refused where one of this is asked for."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from chassis.testing import drop_database
from tests.verify.conftest import Told, copy, name_of
from tests.verify.doors import CHANGES, OF_EACH, QUERIES, ROLES, TAKES_ANY, doors_of, opens
from tests.verify.house import House, every_service, keys_by_role

NAMES = ("sku", "name")
"""What things are called by, beside their ids."""


@pytest.fixture
def house(told: Told, name: str, tmp_path: Path) -> Iterator[House]:
    dsn = asyncio.run(copy(told.databases[name]))
    yield House(told, name, dsn, tmp_path)
    asyncio.run(drop_database(name_of(dsn)))


@pytest.fixture(scope="session")
def real(told: Told) -> dict[str, str]:
    """Return one of each kind of thing that is somewhere in the told suite."""
    return asyncio.run(one_of_each(told)) | {"client_id": str(told.story.client), "name": "Nový partner"}


async def one_of_each(told: Told) -> dict[str, str]:
    found: dict[str, str] = {}
    for service, questions in OF_EACH.items():
        connection = await asyncpg.connect(told.databases[service])
        for name, question in questions.items():
            found[name] = str(await connection.fetchval(question))
        found[f"letter of {service}"] = str(await connection.fetchval("select id from chassis.dead_letters limit 1"))
        found[f"event of {service}"] = str(await connection.fetchval("select id from chassis.events limit 1"))
        await connection.close()
    return {name: said for name, said in found.items() if said != "None"}


def asked_for(house: House, door: str) -> list[str]:
    """Return what a door is told by name: in its path, its query and its body."""
    text = house.path(door) + json.dumps(CHANGES.get(door)) + "".join(f"{{{name}}}" for name in QUERIES.get(door, ()))
    named = [name for name in house.named if name.endswith("_id") or name in {"letter", *NAMES}]
    return [name for name in named if f"{{{name}}}" in text]


def foreign(name: str, service: str, real: dict[str, str]) -> dict[str, str]:
    """Return what is real, and not what is asked for."""
    mine = f"letter of {service}" if name == "letter" else name
    return {kind: said for kind, said in real.items() if kind != mine and said != real.get(name)}


@every_service
def test_a_foreign_object_is_refused_and_nothing_changes(house: House, name: str, real: dict[str, str]) -> None:
    """The least role that may enter names every other thing there is, each higher role one of them."""

    async def knocking() -> None:
        tried = set()
        async with house.opened():
            before = await house.rows()
            for door, who in doors_of(name).items():
                roles = [role for role in (*ROLES, "service") if opens(role, who) and door not in TAKES_ANY]
                for slot in asked_for(house, door) if roles else ():
                    others = list(foreign(slot, name, real).items())
                    by_whom = [*((roles[0], other) for other in others), *zip(roles, others, strict=False)]
                    for role, (kind, said) in by_whom:
                        answer = await house.knock(door, keys_by_role()[role], house.named | {slot: said})
                        assert answer in {404, 409, 422}, (door, slot, kind, role, answer)
                    tried.add((door, slot))
                    assert await house.rows() == before, (door, slot)
        assert {("retry", "letter"), ("drop", "letter")} <= tried

    asyncio.run(knocking())


@every_service
def test_of_what_another_service_tells_there_is_nothing_here(house: House, name: str, told: Told) -> None:
    """Lanes, sequences and subjects of other logs: one event is not here, of a subject there are none to tell."""

    async def knocking() -> None:
        async with house.opened():
            before = await house.rows()
            mine = await house.connection.fetch("select lane, sequence, subject from chassis.events")
            subjects, places = {row["subject"] for row in mine}, {(row["lane"], row["sequence"]) for row in mine}
            for other in (each for each in OF_EACH if each != name):
                for row in await one_of_each_type(told.databases[other]):
                    there = house.named | {each: str(said) for each, said in row.items()}
                    if (row["lane"], row["sequence"]) not in places:
                        assert await house.knock("one_event", keys_by_role()["viewer"], there) == 404
                    if row["subject"] not in subjects:
                        found = await house.ask("events_of_subject", keys_by_role()["viewer"], there)
                        assert (found.json()["items"], row["type"]) == ([], row["type"])
                        assert await house.knock("restate", keys_by_role()["service"], there) == 200
                assert await house.rows() == before, other

    asyncio.run(knocking())


async def one_of_each_type(dsn: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn)
    try:
        found: list[asyncpg.Record] = await connection.fetch(
            "select distinct on (type) lane, sequence, type, key, subject from chassis.events order by type, at desc"
        )
        return found
    finally:
        await connection.close()
