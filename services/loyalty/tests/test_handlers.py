"""Events go in; rows, entries and events come out of a real database."""

from datetime import timedelta

from chassis.testing import Bench
from schemas.ids import derive
from schemas.loyalty import PointsEarned, PointsTakenBack, TierReached
from schemas.orders import OrderLeft, OrderPaid, OrderPlaced
from schemas.values import Identity
from services.loyalty.tests.factories import ALICE, BOB, an_award, an_order, changed, moved, paid

EVERYTHING = (
    "select (select json_agg(a order by client_id) from accounts a)::text || (select json_agg(o order by client_id,"
    " order_id) from order_copies o)::text || (select json_agg(e order by number) from entries e)::text as said"
)

SECOND_PROGRAMME = """insert into programmes values (2, $1, '{"silver": 3000, "gold": 10000}', $2)"""


async def _points(bench: Bench) -> dict[object, int]:
    return {row["client_id"]: row["points"] for row in await bench.rows("select client_id, points from accounts")}


async def test_a_paid_order_earns_points_and_names_its_cause(bench: Bench) -> None:
    earned, reached = await bench.hear(paid("183920.00"))
    assert isinstance(earned, PointsEarned)
    assert isinstance(reached, TierReached)
    assert (earned.account.points, reached.account.tier) == (18_392, "gold")
    (entry,) = await bench.rows("select cause, cause_place, balance from entries")
    records = await bench.records()
    assert {entry["cause"]} == {record.causation for record in records if record.key == ALICE}
    assert entry["cause_place"].startswith("orders/")
    assert entry["balance"] == 18_392


async def test_the_same_event_ten_times_leaves_every_row_as_it_was(bench: Bench) -> None:
    await bench.hear(paid())
    (before,) = await bench.rows(EVERYTHING)
    (places,) = await bench.rows("select array_agg(xmin::text order by order_id) as said from order_copies")
    assert await bench.hear(*[paid()] * 10) == []
    assert await bench.rows(EVERYTHING) == [before]
    assert await bench.rows("select array_agg(xmin::text order by order_id) as said from order_copies") == [places]


async def test_one_batch_books_many_orders_of_many_clients(bench: Bench) -> None:
    clients = [derive("client", n) for n in range(20)]
    published = await bench.hear(
        *(paid("100", client=client, number=f"{client}-{n}") for n in range(5) for client in clients)
    )
    assert len(published) == 100
    assert await _points(bench) == dict.fromkeys(clients, 50)
    assert await bench.failing_checks() == {}


async def test_an_order_that_moves_takes_its_points_along(bench: Bench) -> None:
    await bench.hear(paid())
    farewell, greeting = moved(an_order(), BOB)
    published = await bench.hear(greeting, farewell)
    assert {type(event) for event in published} == {PointsEarned, PointsTakenBack}
    assert await _points(bench) == {ALICE: 0, BOB: 100}
    assert await bench.failing_checks() == {}


async def test_an_order_that_goes_back_to_its_identity_leaves_no_points(bench: Bench) -> None:
    await bench.hear(paid())
    await bench.hear(*moved(an_order(), None))
    assert await _points(bench) == {ALICE: 0}


async def test_orders_without_a_client_have_no_account(bench: Bench) -> None:
    nobody = an_order(client=None)
    assert await bench.hear(OrderPlaced(order=nobody), *moved(nobody, BOB)[:1]) == []
    other = nobody.model_copy(update={"identity": Identity(kind="email", value="jana@example.cz"), "version": 9})
    await bench.hear(OrderLeft(order=other, left=other.identity.id))
    assert await bench.rows("select from accounts") == []


async def test_a_farewell_without_a_greeting_shows_no_account(bench: Bench) -> None:
    order = an_order(client=None, version=7)
    assert await bench.hear(OrderLeft(order=order, left=ALICE)) == []
    async with bench.api("viewer") as api:
        assert (await api.get("/v1/accounts")).json()["items"] == []


async def test_a_request_is_done_once_however_often_it_is_heard(bench: Bench) -> None:
    first = await bench.hear(an_award(500), an_award(500))
    again = await bench.hear(an_award(500))
    assert ([type(event) for event in first], again) == ([PointsEarned], [])
    assert await _points(bench) == {ALICE: 500}
    assert await bench.failing_checks() == {}


async def test_points_beyond_all_bounds_are_a_dead_letter_and_hold_nobody_up(bench: Bench) -> None:
    await bench.rows(SECOND_PROGRAMME, '{"CZK": "0.0001"}', an_order().placed_at - timedelta(days=1))
    await bench.hear(paid("99999999999999", number="huge"), paid("20", client=BOB))
    (letter,) = await bench.dead_letters()
    assert letter["handler"] == "settle_order"
    assert (await _points(bench))[BOB] == 200_000
    assert await bench.failing_checks() == {}


async def test_tiers_follow_a_programme_when_it_begins(bench: Bench) -> None:
    clients = [derive("client", n) for n in range(4)]
    await bench.hear(*(paid("2000", client=client, number=str(client)) for client in clients))
    (row,) = await bench.rows("select now() + interval '30 days' as soon")
    async with bench.api("manager") as api:
        body = {"rates": {"CZK": "10"}, "tiers": {"silver": 100, "gold": 1000}, "valid_from": row["soon"].isoformat()}
        assert (await api.put("/v1/programme", json=body)).status_code == 200
        assert (await api.get("/v1/programme")).json()["version"] == 1
    assert await bench.fire_timers() == []
    assert await bench.do_jobs() == []
    assert await bench.failing_checks() == {}
    assert await bench.fire_timers(ahead=timedelta(days=31)) == []
    reached = await bench.do_jobs()
    assert {event.subject_id for event in reached} == set(clients)
    assert all(isinstance(event, TierReached) and event.account.tier == "silver" for event in reached)
    assert await bench.failing_checks() == {}
    assert await bench.fire_timers(ahead=timedelta(days=60)) == []
    assert await bench.do_jobs() == []


async def test_an_edit_after_a_new_programme_keeps_the_rate_of_the_order(bench: Bench) -> None:
    await bench.hear(paid())
    await bench.rows(SECOND_PROGRAMME, '{"CZK": "1"}', an_order().placed_at - timedelta(days=1))
    await bench.hear(changed(an_order("2000", version=2)))
    assert await _points(bench) == {ALICE: 200}
    assert await bench.failing_checks() == {}


async def test_a_payment_that_was_published_twice_by_type_counts_once(bench: Bench) -> None:
    order = an_order(version=3)
    await bench.hear(OrderPlaced(order=order), OrderPaid(order=order))
    assert await _points(bench) == {ALICE: 100}
