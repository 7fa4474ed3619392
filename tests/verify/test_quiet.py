"""A suite is at rest when nothing waits anywhere and a second look sees the same."""

import asyncio

import asyncpg
import pytest

from klientela.errors import Refusal
from klientela.proof.snapshot import QUIET
from tests.verify.conftest import Workshop
from tests.verify.corruptions import MACHINERY

RESTLESS = [
    ("orders", "insert into chassis.intake (kind, body) values ('order', '')", "orders has 1 raw messages"),
    (
        "service-desk",
        "insert into chassis.timers values ('maintenance', gen_random_uuid(), 3, now(), '')",
        "service-desk has 1 timers that are due",
    ),
    (
        "loyalty",
        "insert into chassis.jobs values ('regrade', 3, gen_random_uuid(), null, '')",
        "loyalty has 1 lanes of jobs to do",
    ),
    (
        "loyalty",
        MACHINERY["nothing-parked"],
        "loyalty has 1 parked events",
    ),
    (
        "clients",
        "update chassis.cursors set sequence = sequence - 1 where (lane) = (select min(lane) from chassis.events)",
        "clients has 1 events to publish in lane",
    ),
    (
        "automation",
        "update chassis.progress set sequence = sequence - 1 where source = 'orders' and sequence > 0",
        "events behind orders in lane",
    ),
    ("loyalty", "delete from chassis.progress where source = 'orders'", "events behind orders in lane"),
]


@pytest.mark.parametrize(("service", "sql", "said"), RESTLESS)
def test_what_is_on_its_way_is_said_when_the_time_is_over(
    workshop: Workshop, service: str, sql: str, said: str
) -> None:
    _, found = asyncio.run(workshop.prove_spoilt(service, sql))
    assert any(said in failure for failure in found[QUIET].failures), found[QUIET].failures
    assert not [name for name in found if "-in-" in name], "what is on its way is not said to be missing"


def test_verify_goes_on_as_soon_as_the_last_message_is_worked_off(workshop: Workshop) -> None:
    asyncio.run(workshop.spoil("orders", "insert into chassis.intake (kind, body) values ('order', '')"))
    looks: list[str] = []

    async def proving() -> list[str]:
        def work_off(text: str) -> None:
            looks.append(text)
            if len(looks) == 2:
                tasks.append(asyncio.create_task(done()))

        async def done() -> None:
            connection = await asyncpg.connect(workshop.databases["orders"])
            await connection.execute("update chassis.intake set state = 1 where state = 0")
            await connection.close()

        tasks: list[asyncio.Task[None]] = []
        findings = await workshop.prove(30, work_off)
        return [failure for finding in findings.values() for failure in finding.failures]

    assert asyncio.run(proving()) == []
    assert "raw messages" in looks[0]
    assert "second time" in looks[-2]


def test_a_database_that_cannot_be_reached_is_a_plain_sentence(workshop: Workshop) -> None:
    workshop.databases["loyalty"] += "_that_is_not_there"
    with pytest.raises(Refusal, match=r"The database of loyalty cannot be reached.*Is the suite up"):
        asyncio.run(workshop.prove())
