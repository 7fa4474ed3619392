"""Owners whose logs were set back: facts follow what is now, and no rule acts twice on one event."""

from chassis.testing import Bench
from schemas.clients import ClientForgotten
from schemas.ids import derive
from schemas.orders import OrderChanged, OrderForgotten
from services.automation.tests.factories import ALICE, a_rule_body, an_order, paid, restatused

FACTS = "select orders, paid_orders, revenue, status from client_facts where client_id = $1"
FORGOTTEN = OrderForgotten(order_id=an_order().id, left=ALICE)


async def test_what_is_no_more_is_no_fact(bench: Bench) -> None:
    await bench.hear(restatused("VIP", 7), paid("1000", version=5))
    await bench.hear_anew(FORGOTTEN, ClientForgotten(client_id=ALICE))
    assert await bench.rows(FACTS, ALICE) == [(0, 0, "{}", None)]
    await bench.hear_anew(paid("1000", version=1), restatused("VIP", 1))
    assert await bench.rows(FACTS, ALICE) == [(1, 1, '{"CZK": "1000"}', "VIP")]
    assert await bench.failing_checks() == {}


async def test_what_is_forgotten_of_who_is_not_known_makes_no_facts(bench: Bench) -> None:
    nobody = derive("identity")
    await bench.hear_anew(OrderForgotten(order_id=FORGOTTEN.order_id, left=nobody), ClientForgotten(client_id=nobody))
    assert await bench.rows("select * from client_facts") == []


async def test_an_event_that_its_owner_publishes_again_is_acted_on_once(bench: Bench) -> None:
    """The same id under another incarnation, and even with another version of its subject."""
    async with bench.api("manager") as api:
        made = await api.post("/v1/rules", json=a_rule_body(on="orders.order_paid.v1"))
        assert made.status_code == 201, made.text
    (first,) = await bench.numbered(paid("1000", version=2))
    await bench.hear_records(first)
    (again,) = await bench.numbered(paid("1000", version=3))
    await bench.hear_page(first.lane, first.position, again._replace(id=first.id, incarnation=2))
    assert await bench.rows("select count(*) from runs where rule_id = $1::text::uuid", made.json()["id"]) == [(1,)]
    assert await bench.dead_letters() == []
    assert await bench.failing_checks() == {}


async def test_no_rule_acts_on_a_state_told_anew(bench: Bench) -> None:
    await bench.hear(paid("1000", version=2))
    before = await bench.rows("select count(*) from runs")
    assert await bench.hear_anew(OrderChanged(order=an_order("1000", version=3))) == []
    assert await bench.rows("select count(*) from runs") == before
