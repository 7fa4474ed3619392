"""The judges of the faults find nothing in a suite that did its work, and see what was spoilt by hand."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import asyncpg
import pytest

from tests.faults import judge as module
from tests.faults.inputs import Inputs
from tests.faults.journals import Databases, unlike_the_logs
from tests.faults.judge import inverted, judge, twice, two_of_a_firm
from tests.rig import Rig
from tests.verify.conftest import Told, Workshop

OF_ORDERS = "subscription = 'main' and type like 'orders.order\\_%' and type <> 'orders.order_forgotten.v1'"
LANE = f"(select lane from chassis.applied where {OF_ORDERS} group by lane having count(*) > 2 limit 1)"
LINE = f"where {OF_ORDERS} and lane = {LANE} order by sequence limit 1"
IS_FIRST = f"ctid = (select ctid from chassis.applied {LINE})"
IS_SECOND = f"ctid = (select ctid from chassis.applied {LINE} offset 1)"
REST = "lane, sequence, incarnation, event, type, key, subject, digest from chassis.applied"


def beside(subscription: str, but: str) -> str:
    """A subscription of the next release, which has heard all of the orders but some."""
    columns = "(subscription, source, lane, sequence, incarnation, event, type, key, subject, digest)"
    return (
        f"insert into chassis.progress select '{subscription}', source, lane, incarnation, sequence"
        " from chassis.progress where source = 'orders';"
        f" insert into chassis.applied {columns} select '{subscription}', source, {REST}"
        f" where {OF_ORDERS} and not ({but})"
    )


JOURNALS = {
    "a line is missing": ("loyalty", f"delete from chassis.applied where {IS_FIRST}", "lost"),
    "a line was written once more": (
        "loyalty",
        f"insert into chassis.applied select * from chassis.applied {LINE}",
        "doubled inverted",
    ),
    "the last line was written once more": (
        "loyalty",
        f"insert into chassis.applied select * from chassis.applied {LINE.replace('sequence', 'sequence desc')}",
        "doubled",
    ),
    "a line is of another event": (
        "clients",
        f"update chassis.applied set event = gen_random_uuid() where {IS_FIRST}",
        "lost doubled inverted",
    ),
    "a line is of another incarnation": (
        "clients",
        f"update chassis.applied set incarnation = incarnation - 1 where {IS_FIRST}",
        "lost doubled inverted",
    ),
    "a line has another number": (
        "automation",
        f"update chassis.applied set sequence = sequence + 1000 where {IS_FIRST}",
        "lost doubled",
    ),
    "a line was written last": ("service-desk", f"update chassis.applied set key = key where {IS_FIRST}", "inverted"),
    "lines are beyond progress": (
        "loyalty",
        f"update chassis.progress set sequence = 1 where source = 'orders' and lane = {LANE}",
        "doubled",
    ),
    "lines are without progress": (
        "loyalty",
        f"delete from chassis.progress where source = 'orders' and lane = {LANE}",
        "doubled",
    ),
    "a later subscription has heard all": ("loyalty", beside("hear_everything", "false"), ""),
    "a later subscription has not heard all": ("loyalty", beside("hear_everything", IS_FIRST), "lost"),
    "a later subscription has heard nothing of a lane": (
        "loyalty",
        beside("hear_everything", f"lane = {LANE}"),
        "lost",
    ),
    "who began later has heard what came since": ("loyalty", beside("hear_news", IS_FIRST), ""),
    "who began later has heard nothing since": ("loyalty", beside("hear_news", f"lane = {LANE}"), ""),
    "who began later has not heard all since": ("loyalty", beside("hear_news", IS_SECOND), "lost"),
}
PAIR = (
    "select a.lane, a.sequence as first, b.sequence as second, a.causation as one, b.causation as other"
    " from chassis.events a join chassis.events b on b.lane = a.lane and b.sequence > a.sequence"
    " and b.causation <> a.causation and b.cause_place ~ ('^' || substring(a.cause_place from '^[a-z]+/\\d+/'))"
    " limit 1"
)
SWAPPED = (
    f"update chassis.events e set causation = case e.sequence when p.first then p.other else p.one end from ({PAIR}) p"
    " where e.lane = p.lane and e.sequence in (p.first, p.second)"
)
ONCE_MORE = (
    "insert into chassis.events select lane, sequence + 1000, incarnation, id, type, key, subject, version, at,"
    " correlation, causation, cause_place, hops, actor, body from chassis.events limit 1"
)
EARLIER = (
    "update entries set cause_place = substring(cause_place from '^[a-z]+/\\d+/') || '0'"
    " where number = (select max(b.number) from entries a join entries b using (client_id) where a.number < b.number"
    " and substring(a.cause_place from '^[a-z]+/\\d+/') = substring(b.cause_place from '^[a-z]+/\\d+/'))"
)
OTHERS = {
    "a log has an event twice": ("orders", ONCE_MORE, twice, "orders's event"),
    "a firm has two clients": (
        "clients",
        "drop index clients_ico; update clients set ico = '25596641'",
        two_of_a_firm,
        "client of 25596641",
    ),
    "twice names firms, too": (
        "clients",
        "drop index clients_ico; update clients set ico = '25596641'",
        twice,
        "client of 25596641",
    ),
    "a log follows another one backwards": ("loyalty", SWAPPED, inverted, "loyalty in lanes"),
    "the ledger follows a log backwards": ("loyalty", EARLIER, inverted, "the ledger of"),
}

ALONE = {
    "lost": ("loyalty", f"delete from chassis.applied where {IS_FIRST}"),
    "doubled": JOURNALS["the last line was written once more"][:2],
    "inverted": ("service-desk", f"update chassis.applied set key = key where {IS_FIRST}"),
    "stuck": ("orders", "insert into chassis.intake (kind, body) values ('order', '')"),
}
"""For each thing that a verdict counts, what makes a suite guilty of that and of nothing else."""

Look = Callable[[Databases], Awaitable[Any]]


class Suite(NamedTuple):
    """The told suite's databases, of which one may be seen from within a transaction."""

    databases: dict[str, str]
    spoilt: str = ""
    within: Any = None

    @property
    def names(self) -> Sequence[str]:
        return tuple(self.databases)

    def dsn(self, name: str) -> str:
        return self.databases[name]

    async def rows(self, name: str, sql: str, *args: object) -> Sequence[Any]:
        if name == self.spoilt:
            return cast("Sequence[Any]", await self.within.fetch(sql, *args))
        connection = await asyncpg.connect(self.databases[name])
        try:
            return await connection.fetch(sql, *args)
        finally:
            await connection.close()


async def look_at_spoilt(told: Told, service: str, sql: str, look: Look) -> Any:
    """Look at the suite after SQL on a service's database, which is then undone."""
    within = await asyncpg.connect(told.databases[service])
    transaction = within.transaction()
    await transaction.start()
    try:
        assert not (await within.execute(sql)).endswith(" 0"), "nothing was spoilt"
        return await look(Suite(told.databases, service, within))
    finally:
        await transaction.rollback()
        await within.close()


def test_a_suite_that_did_its_work_is_like_its_logs(told: Told) -> None:
    suite = Suite(told.databases)
    assert asyncio.run(unlike_the_logs(suite)) == ([], [], [])
    assert asyncio.run(twice(suite)) + asyncio.run(inverted(suite)) == []


@pytest.mark.parametrize("what", JOURNALS)
def test_a_journal_that_is_not_like_the_logs_is_seen(told: Told, what: str) -> None:
    service, sql, kinds = JOURNALS[what]
    unlike = asyncio.run(look_at_spoilt(told, service, sql, unlike_the_logs))
    assert [kind for kind, reasons in unlike._asdict().items() if reasons] == kinds.split()
    assert all(reason.startswith(f"{service}'s ") for reasons in unlike for reason in reasons)


@pytest.mark.parametrize("what", OTHERS)
def test_what_else_is_seen(told: Told, what: str) -> None:
    service, sql, look, said = OTHERS[what]
    found = asyncio.run(look_at_spoilt(told, service, sql, look))
    assert any(said in reason for reason in found), found


def test_the_verdict_has_what_each_of_them_found(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0)
    asyncio.run(workshop.spoil("loyalty", f"delete from chassis.applied where {IS_SECOND}; {SWAPPED}; {ONCE_MORE}"))
    verdict = asyncio.run(judge(cast("Rig", Suite(workshop.databases)), Inputs()))
    for said in (
        "lost: loyalty's main of orders/",
        "inverted: loyalty in lanes",
        "doubled: loyalty's event",
        "doubled: orders of 25596641",
        "lost: verify's loyalty.log-gapless",
        "lost: 1 dead letters, not 0",
    ):
        assert any(reason.startswith(said) for reason in verdict.reasons), (said, verdict.reasons)


@pytest.mark.parametrize("kind", ALONE)
def test_each_kind_is_counted_and_no_other(workshop: Workshop, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(module, "PATIENCE", 1)
    rig = cast("Rig", Suite(workshop.databases))
    truth, letters = asyncio.run(module.found(rig)), len(asyncio.run(module.everywhere(rig, module.LETTERS)))
    assert (asyncio.run(workshop.spoil(*ALONE[kind]))).split()[-1] == "1"
    rig, inputs = cast("Rig", Suite(workshop.databases)), cast("Inputs", SimpleNamespace(truth=lambda: truth))
    verdict = asyncio.run(judge(rig, inputs, letters))
    assert verdict.counts == module.Counts(**{kind: 1}), verdict.reasons
