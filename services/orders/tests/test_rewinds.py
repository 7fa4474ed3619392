"""Set back to a backup, the service tells anew what others ask about; and follows clients that were set back."""

from uuid import UUID, uuid4

import pytest

from chassis.testing import Bench
from orders.domain.card import Card
from orders.domain.link import Link
from orders.domain.order import Order
from schemas.clients import ClientForgotten, IdentityForgotten
from schemas.event import Event
from schemas.orders import OrderAssigned, OrderChanged, OrderForgotten, OrderLeft, OrderPaid, OrderPlaced
from services.orders.tests.factories import ALICE, BOB, CHANNEL, FIRM, PAID, a_client, kinds, linked, raw


async def ask(
    bench: Bench, subject: UUID, *keys: UUID, kind: str = "orders.order_paid.v1", restated: int = 1
) -> list[Event]:
    """Ask about a subject as another service does; return what was published."""
    before = {record.id for record in await bench.records()}
    seen = [{"type": kind, "key": str(key), "subject": str(subject)} for key in keys]
    async with bench.api("service") as api:
        answer = await api.post("/v1/events/restate", json={"seen": seen})
    assert answer.json() == {"restated": restated}
    return await bench._since(before)


async def test_an_order_is_told_anew_with_farewells_under_every_other_key(bench: Bench) -> None:
    await bench.hear(a_client(), linked())
    *_, last = await bench.take_in("order", CHANNEL, raw(0, paid_at=PAID))
    assert isinstance(last, OrderPaid)
    said = await ask(bench, last.order.id, ALICE, BOB, FIRM.id)
    assert sorted(kind.__name__ for kind in kinds(said)) == ["OrderChanged", "OrderLeft", "OrderLeft"]
    assert {event.left for event in said if isinstance(event, OrderLeft)} == {BOB, FIRM.id}
    versions = {event.subject_version for event in said}
    (state,) = (event for event in said if isinstance(event, OrderChanged))
    assert versions == {last.order.version + 1, last.order.version + 2, last.order.version + 3}
    assert (state.subject_version, state.partition_key) == (max(versions), ALICE)
    assert await bench.failing_checks() == {}


async def test_an_order_that_cannot_be_told_anew_is_a_dead_letter_and_is_told_on_retry(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, last = await bench.take_in("order", CHANNEL, raw(0, paid_at=PAID))
    assert isinstance(last, OrderPlaced)
    with monkeypatch.context() as broken:
        broken.setattr(Order, "restate", lambda *_: 1 / 0)
        assert await ask(bench, last.order.id, ALICE, restated=0) == []
    (letter,) = await bench.dead_letters()
    assert (letter["handler"], letter["source"], letter["type"]) == ("restate_order", "restate", "restate:order")
    before = {record.id for record in await bench.records()}
    async with bench.api("manager") as api:
        assert (await api.post(f"/v1/dead-letters/{letter['id']}/retry")).json()["state"] == "done"
    said = await bench._since(before)
    assert {event.left for event in said if isinstance(event, OrderLeft)} == {ALICE}


async def test_an_order_that_is_no_more_says_farewell_as_version_0(bench: Bench) -> None:
    said = await ask(bench, uuid4(), ALICE, BOB)
    assert {(type(event), event.partition_key, event.subject_version) for event in said} == {
        (OrderForgotten, ALICE, 0),
        (OrderForgotten, BOB, 0),
    }
    assert await bench.failing_checks() == {}


async def test_asked_twice_it_is_told_twice_and_nothing_breaks(bench: Bench) -> None:
    await bench.take_in("order", CHANNEL, raw(0))
    (order,) = await bench.rows("select id from orders")
    assert kinds(await ask(bench, order["id"], FIRM.id)) == [OrderChanged]
    assert kinds(await ask(bench, order["id"], FIRM.id)) == [OrderChanged]
    assert await bench.failing_checks() == {}


async def test_a_link_that_is_no_more_takes_the_orders_back_to_their_identity(bench: Bench) -> None:
    await bench.hear(a_client(), linked(version=4))
    await bench.take_in("order", CHANNEL, raw(0))
    assert kinds(await bench.hear_anew(IdentityForgotten(identity_id=FIRM.id))) == [OrderLeft, OrderAssigned]
    assert kinds(await bench.hear_anew(linked(version=1))) == [OrderLeft, OrderAssigned]
    assert await bench.rows("select client_id from orders") == [(ALICE,)]
    assert await bench.failing_checks() == {}


async def test_a_card_that_is_no_more_bills_nobody(bench: Bench) -> None:
    await bench.hear(a_client(version=3))
    await bench.hear_anew(ClientForgotten(client_id=ALICE))
    assert await bench.rows("select billing, version from cards") == [(None, 0)]
    await bench.hear_anew(a_client(version=1))
    assert await bench.rows("select billing is null, version from cards") == [(False, 1)]


def test_what_an_earlier_incarnation_said_late_is_passed_over() -> None:
    link, card = Link(FIRM.id), Card(ALICE)
    assert link.follow(linked(version=1).heard(uuid4(), 2))
    assert not link.follow(linked(client=BOB, version=9).heard(uuid4(), 1))
    assert link.client_id == ALICE
    card.keep(a_client(version=1).heard(uuid4(), 2))
    card.keep(ClientForgotten(client_id=ALICE).heard(uuid4(), 1))
    assert card.billing is not None
