"""The order's own rules, without a database."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from chassis.errors import VersionMismatch
from orders.domain.card import Card
from orders.domain.errors import ClientUnknown, ConfirmationNeeded, OrderUnknown
from orders.domain.link import Link
from orders.domain.order import AssignClient, Order, UnassignClient
from orders.domain.product import PutProduct, Shelf
from orders.domain.revision import Removal, Revision
from schemas.event import Stamp
from schemas.ids import order_id
from schemas.orders import (
    OrderAssigned,
    OrderCancelled,
    OrderChanged,
    OrderEvent,
    OrderLeft,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
)
from schemas.values import Identity
from services.orders.tests.factories import (
    ALICE,
    BOB,
    CHANNEL,
    FIRM,
    MAIL,
    OTHER,
    PAID,
    PUMP,
    START,
    a_client,
    a_revision,
)

ID = order_id(CHANNEL, "A-1")
DAY = timedelta(days=1)
AT_FIVE = START + timedelta(minutes=5)
NOBODY = Link(FIRM.id)
ALICES = Link(FIRM.id, ALICE, Stamp(1, 1))


def told(order: Order, revision: Revision, link: Link = NOBODY) -> list[type[OrderEvent]]:
    return [type(event) for event in order.revise(revision, link, {})]


def a_card(client: UUID = ALICE) -> Card:
    card = Card(client)
    card.keep(a_client(client))
    return card


def test_every_event_carries_the_state_under_its_own_next_version() -> None:
    order = Order(ID)
    events = [*order.revise(a_revision(0), NOBODY, {}), *order.revise(a_revision(1, paid_at=PAID), ALICES, {})]
    assert [type(event) for event in events] == [OrderPlaced, OrderLeft, OrderAssigned, OrderPaid]
    assert [event.order.version for event in events] == [1, 2, 3, 4]
    assert [event.partition_key for event in events] == [FIRM.id, FIRM.id, ALICE, ALICE]


def test_an_older_revision_and_a_known_body_say_nothing() -> None:
    order = Order(ID)
    assert told(order, a_revision(5)) == [OrderPlaced]
    assert told(order, a_revision(4, total="7")) == []
    assert told(order, a_revision(5)) == []


def test_within_one_moment_the_later_arrival_wins() -> None:
    order = Order(ID)
    told(order, a_revision(5, arrival=10))
    assert told(order, a_revision(5, arrival=11, total="7")) == [OrderChanged]
    assert told(order, a_revision(5, arrival=9, total="8")) == []
    assert told(order, a_revision(5, arrival=12, total="8")) == []
    assert order.public is not None
    assert order.public.total.amount == 7


def test_a_newer_revision_that_changes_nothing_has_no_event_but_shuts_out_older_ones() -> None:
    order = Order(ID)
    told(order, a_revision(1))
    assert told(order, a_revision(9)) == []
    assert told(order, a_revision(5, total="7")) == []
    assert order.public is not None
    assert order.public.version == 1


def test_payment_is_announced_once_whatever_happens_later() -> None:
    order = Order(ID)
    assert told(order, a_revision(0, paid_at=PAID), ALICES) == [OrderPlaced, OrderPaid]
    assert told(order, a_revision(1), ALICES) == [OrderChanged]
    assert told(order, a_revision(2, paid_at=PAID), ALICES) == [OrderChanged]
    assert told(order, a_revision(3, paid_at=PAID), Link(FIRM.id, BOB, Stamp(1, 2))) == [OrderLeft, OrderAssigned]


def test_payment_of_nobodys_order_is_announced_when_it_has_a_client() -> None:
    order = Order(ID)
    assert told(order, a_revision(0, state="paid"), NOBODY) == [OrderPlaced]
    assert [type(event) for event in order.follow(ALICES)] == [OrderLeft, OrderAssigned, OrderPaid]


def test_a_refund_without_reference_is_never_announced_as_paid() -> None:
    order = Order(ID)
    assert told(order, a_revision(0, kind="refund", total="-5.125", paid_at=PAID), ALICES) == [OrderPlaced]


def test_each_change_has_the_event_that_names_it() -> None:
    order = Order(ID)
    told(order, a_revision(0, paid_at=PAID), ALICES)
    assert told(order, a_revision(1, paid_at=PAID, refunded="1"), ALICES) == [OrderRefunded]
    assert told(order, a_revision(2, paid_at=PAID, refunded="2", number="B"), ALICES) == [OrderRefunded, OrderChanged]
    assert told(order, a_revision(3, paid_at=PAID, refunded="2", number="B", state="cancelled"), ALICES) == [
        OrderCancelled
    ]


def test_what_is_given_back_in_full_is_refunded() -> None:
    assert a_revision(0, refunded="1000").state == "refunded"
    assert a_revision(0, state="refunded").refunded.amount == Decimal("1000.00")


@pytest.mark.parametrize(
    ("billing", "customer", "identity"),
    [
        ({"ico": "255 96 641", "dic": "CZ25596641", "email": "a@b"}, "7", FIRM),
        ({"dic": "cz 25596641", "email": "a@b"}, "7", Identity(kind="dic", value="CZ25596641")),
        ({"ico": "25596640", "dic": "CZ25596641", "email": "Jana@Firma.example"}, "", MAIL),
        ({"ico": "25596640"}, "7", Identity(kind="external", value=f"{CHANNEL}:7")),
        ({"email": " Jana@Firma.example "}, "", MAIL),
        ({"email": "?"}, "", Identity(kind="order", value=str(ID))),
    ],
)
def test_a_buyer_is_recognised_by_the_best_that_is_known(
    billing: dict[str, str], customer: str, identity: Identity
) -> None:
    assert a_revision(0, billing=billing, customer=customer).identity == identity


@pytest.mark.parametrize(("quantity", "warnings"), [("1000", ()), ("1001", ("too-many-devices",))])
def test_a_line_of_more_devices_than_get_cards_is_warned_of(quantity: str, warnings: tuple[str, ...]) -> None:
    order = Order(ID)
    items = [{"sku": PUMP.sku, "quantity": quantity, "unit_price": "1"}]
    list(order.revise(a_revision(0, items=items), NOBODY, {PUMP.sku: PUMP}))
    assert order.public is not None
    assert order.public.warnings == warnings


def test_what_the_catalogue_said_once_of_an_item_stays() -> None:
    order = Order(ID)
    list(order.revise(a_revision(0), NOBODY, {PUMP.sku: PUMP}))
    list(order.revise(a_revision(1, number="B"), NOBODY, {PUMP.sku: PUMP.model_copy(update={"device": None})}))
    assert order.public is not None
    assert order.public.items[0].device == PUMP.device


def test_linking_by_hand_must_be_confirmed_and_says_what_would_be_lost() -> None:
    order = Order(ID)
    told(order, a_revision(0))
    with pytest.raises(ConfirmationNeeded) as refused:
        list(order.assign(a_card(), AssignClient(ID, ALICE, overwrite_billing=False)))
    assert {error["field"]: error["old"] for error in refused.value.errors} == {
        "company": "Firma s.r.o.", "ico": FIRM.value, "email": "Jana@Firma.example", "city": "Brno",
    }  # fmt: skip


def test_linking_by_hand_overwrites_billing_for_good_and_holds_against_channel_and_link() -> None:
    order = Order(ID)
    told(order, a_revision(0, paid_at=PAID))
    events = list(order.assign(a_card(), AssignClient(ID, ALICE, overwrite_billing=True)))
    assert [type(event) for event in events] == [OrderLeft, OrderAssigned, OrderPaid]
    assert list(order.follow(Link(FIRM.id, BOB, Stamp(1, 5)))) == []
    assert told(order, a_revision(1, paid_at=PAID), Link(FIRM.id, BOB, Stamp(1, 5))) == []
    assert order.public is not None
    assert (order.public.client_id, order.public.billing.ico) == (ALICE, OTHER.value)
    assert order.public.identity == FIRM
    assert [type(e) for e in order.unassign(UnassignClient(ID))] == [OrderLeft, OrderAssigned]
    assert list(order.follow(Link(FIRM.id, BOB, Stamp(1, 6)))) == []
    assert list(order.unassign(UnassignClient(ID))) == []


def test_linking_what_is_not_there_is_refused() -> None:
    command = AssignClient(ID, ALICE, overwrite_billing=True, expected_version=7)
    with pytest.raises(OrderUnknown):
        list(Order(ID).assign(a_card(), command))
    order = Order(ID)
    told(order, a_revision(0))
    with pytest.raises(VersionMismatch):
        list(order.assign(a_card(), command))
    with pytest.raises(ClientUnknown):
        list(order.assign(Card(ALICE), AssignClient(ID, ALICE, overwrite_billing=True)))


def test_the_same_product_again_changes_nothing() -> None:
    shelf = Shelf("TC-12")
    assert len(list(shelf.put(PutProduct(PUMP)))) == 1
    assert list(shelf.put(PutProduct(PUMP))) == []
    with pytest.raises(VersionMismatch):
        list(shelf.put(PutProduct(PUMP, expected_version=4)))


def test_a_missing_date_is_the_first_that_any_revision_tells_and_a_named_one_stands() -> None:
    order = Order(ID)
    told(order, a_revision(5, placed_at=None, state="paid"))
    assert (order.public and order.public.placed_at, order.public and order.public.paid_at) == (AT_FIVE, AT_FIVE)
    assert told(order, a_revision(2, placed_at=None, paid_at=(AT_FIVE - DAY).isoformat())) == [OrderChanged]
    assert order.public
    assert (order.public.placed_at, order.public.paid_at) == (START + timedelta(minutes=2), AT_FIVE - DAY)
    told(order, a_revision(7, placed_at=(START + DAY).isoformat(), state="paid", paid_at=PAID))
    assert (order.public.placed_at, order.public.paid_at) == (START + DAY, datetime.fromisoformat(PAID))


def test_a_deletion_counts_until_the_order_is_restored_or_revised() -> None:
    order = Order(ID)
    assert list(order.remove(Removal(ID, START + DAY, "a"))) == []
    assert told(order, a_revision(0)) == [OrderPlaced, OrderCancelled]
    assert told(order, a_revision(60 * 25)) == [OrderChanged]
    assert list(order.remove(Removal(ID, START + 3 * DAY, "a"))) == []
    assert [type(event) for event in order.remove(Removal(ID, START + 3 * DAY, "b"))] == [OrderCancelled]
    assert told(order, replace(a_revision(60 * 25), restored_at=START + 4 * DAY)) == [OrderChanged]
