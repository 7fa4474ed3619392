"""The log and its feed: pages, heads that stop at the cursor, and numbers that were taken back."""

from collections.abc import Awaitable, Callable
from typing import Any, cast
from uuid import UUID

import pytest
import pytest_asyncio

from chassis.database import Connection
from chassis.events import log
from chassis.events.lanes import lane_of
from chassis.events.record import Position
from chassis.events.unit import unit_of_work
from chassis.testing import Bench
from schemas.loyalty import Account, PointsEarned

CLIENT = UUID(int=5)
LANE = lane_of(CLIENT)
BAD = ("x", "", ":", ":5", "1:", "1:2:3", "-1", "1:-2", "1_0", "٣", " 1", "1e3", "99999999999999999999", f"{2**63}:1")


@pytest_asyncio.fixture
async def five(bench: Bench) -> int:
    """Write five events of one client; return their incarnation."""
    account = Account(client_id=CLIENT, points=1, tier="bronze", version=1)
    async with unit_of_work(bench.database, "till") as unit:
        unit.publish(*[PointsEarned(account=account, points=points) for points in (1, 2, 3, 4, 5)])
    await bench.rows("update chassis.cursors set sequence = 4 where lane = $1", LANE)
    return (await bench.records())[0].incarnation


async def test_pages_and_heads_stop_at_the_cursor(bench: Bench, five: int) -> None:
    async with bench.api("service") as api:
        after, seen, pages = "0:0", [], 0
        while True:
            page = (await api.get("/v1/events", params={"lane": LANE, "after": after, "limit": 3})).json()
            seen += [(item["sequence"], item["data"]["points"]) for item in page["items"]]
            after, pages = page["position"], pages + 1
            if not page["items"]:
                break
        heads = (await api.get("/v1/events/heads")).json()["heads"]
    assert (seen, pages, after) == ([(1, 1), (2, 2), (3, 3), (4, 4)], 3, f"{five}:4")
    assert heads[str(LANE)] == {"incarnation": five, "sequence": 5, "published": 4}
    assert len(heads) == 48


async def test_what_a_later_incarnation_took_back_is_resumed_before(bench: Bench, five: int) -> None:
    later = five + 10
    await bench.rows("insert into chassis.incarnations (lane, number, from_sequence) values ($1, $2, 3)", LANE, later)
    await bench.rows("update chassis.events set incarnation = $1 where sequence >= 3", later)
    async with bench.api("service") as api:

        async def page(after: str) -> tuple[int, list[int], str]:
            found = (await api.get("/v1/events", params={"lane": LANE, "after": after})).json()
            return found["resumed"], [item["sequence"] for item in found["items"]], found["position"]

        assert await page(f"{five}:4") == (2, [3, 4], f"{later}:4")
        assert await page(f"{five}:1") == (1, [2, 3, 4], f"{later}:4")
        assert await page(f"{later}:3") == (3, [4], f"{later}:4")
        assert await page(f"{later}:4") == (4, [], f"{later}:4")
        for after, known in ((f"{five}:1", True), (f"{later}:1", True), ("0:0", True), (f"{later + 1}:1", False)):
            found = (await api.get("/v1/events", params={"lane": LANE, "after": after})).json()
            assert found["known"] is known


class Interrupted:
    """A connection beside which somebody is at work after every statement."""

    def __init__(self, connection: Connection, meanwhile: Callable[[], Awaitable[object]]) -> None:
        self.connection, self.meanwhile = connection, meanwhile

    def __getattr__(self, method: str) -> Callable[..., Awaitable[Any]]:
        async def then_meanwhile(*arguments: object) -> object:
            found = await getattr(self.connection, method)(*arguments)
            await self.meanwhile()
            return found

        return then_meanwhile


async def test_an_incarnation_that_begins_while_a_page_is_read_is_seen_whole_or_not_at_all(
    bench: Bench, five: int
) -> None:
    async def begin_another() -> None:
        await bench.rows(
            "insert into chassis.incarnations (lane, number, from_sequence) values ($1, $2, 3) on conflict do nothing",
            LANE,
            five + 10,
        )
        await bench.rows("update chassis.events set incarnation = $1 where sequence >= 3", five + 10)

    async with bench.database.pool.acquire() as connection:
        beside = cast("Connection", Interrupted(connection, begin_another))
        page = await log.read_page(beside, "till", LANE, Position(five, 3), 10)
        assert (page.resumed, page.position) == (3, Position(five, 4)), "as it was before"
        page = await log.read_page(connection, "till", LANE, page.position, 10)
        assert (page.resumed, page.position) == (2, Position(five + 10, 4)), "as it is now"


async def test_a_page_ends_where_its_bodies_are_many_bytes_and_goes_on_from_there(
    bench: Bench, five: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = len((await bench.records())[0].body)
    after, pages = Position(0, 0), []
    async with bench.database.pool.acquire() as connection:
        for most in (1, size + 1, size + 1):
            monkeypatch.setattr(log, "LARGEST_PAGE", most)
            page = await log.read_page(connection, "till", LANE, after, 10)
            after = page.position
            pages.append([record.sequence for record in page.records])
    assert pages == [[1], [2, 3], [4]]


async def test_single_events_and_those_of_a_subject_come_from_the_database_and_say_what_is_published(
    bench: Bench, five: int
) -> None:
    async with bench.api("service") as api:
        one = [(await api.get(f"/v1/events/{LANE}/{sequence}")).json() for sequence in (4, 5)]
        assert [(event["sequence"], event["published"]) for event in one] == [(4, True), (5, False)]
        cursor: dict[str, str] = {}
        seen, counts = [], []
        while True:
            params = {"limit": "2", "count": "true", "type": PointsEarned.event_type, **cursor}
            page = (await api.get(f"/v1/subjects/{CLIENT}/events", params=params)).json()
            seen += [(event["sequence"], event["published"]) for event in page["items"]]
            counts.append(page["count"])
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert seen == [(5, False), (4, True), (3, True), (2, True), (1, True)]
        assert counts == [5, 5, 5]
        other = (await api.get(f"/v1/subjects/{CLIENT}/events", params={"type": "x", "count": True})).json()
        assert other == {"items": [], "next": None, "count": 0}
        assert (await api.get(f"/v1/subjects/{CLIENT}/events", params={"cursor": "x"})).status_code == 422


async def test_an_after_that_is_none_is_a_problem(bench: Bench) -> None:
    async with bench.api("service") as api:
        for after in BAD:
            answer = await api.get("/v1/events", params={"lane": LANE, "after": after})
            assert (after, answer.status_code) == (after, 422)
            assert answer.json()["type"].endswith("/invalid-request")
        assert (await api.get(f"/v1/events/{LANE}/{2**63}")).status_code == 404
        assert (await api.get(f"/v1/events/{LANE}/{2**63 - 1}")).status_code == 404
