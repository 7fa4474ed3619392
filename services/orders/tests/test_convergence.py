"""However an order is told of, and in whatever order that is heard, it ends the same."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orders.domain.link import Link
from orders.domain.order import Order
from orders.domain.revision import Removal, Revision
from schemas.clients import IdentityLinked
from schemas.ids import order_id
from schemas.orders import OrderEvent, OrderPaid
from services.orders.tests.factories import (
    ALICE,
    BOB,
    CHANNEL,
    FIRM,
    MAIL,
    OTHER,
    PAID,
    START,
    a_revision,
    linked,
)

ID = order_id(CHANNEL, "A-1")
SAID = st.fixed_dictionaries({
    "minute": st.integers(0, 4),
    "total": st.sampled_from(["10", "20.5"]),
    "refunded": st.sampled_from(["0", "3", "10"]),
    "state": st.sampled_from(["open", "cancelled", "paid", "refunded"]),
    "placed_at": st.sampled_from([None, START.isoformat(), (START - timedelta(days=1)).isoformat()]),
    "paid_at": st.sampled_from([None, PAID, (START + timedelta(minutes=2)).isoformat()]),
    "billing": st.sampled_from([{"ico": FIRM.value}, {"ico": OTHER.value}, {"email": MAIL.value}]),
})  # fmt: skip
MOMENT = st.integers(0, 5).map(lambda minute: START + timedelta(minutes=minute))
REMOVAL = st.builds(Removal, st.just(ID), MOMENT, st.sampled_from("abc"))
LINK = st.builds(linked, st.sampled_from([FIRM, OTHER, MAIL]), st.sampled_from([ALICE, BOB]), st.integers(1, 3))


def _play(messages: Sequence[Revision | Removal | IdentityLinked]) -> Order:
    """Fold messages as the handlers do, and hold every rule about the events on the way."""
    order, links = Order(ID), {identity.id: Link(identity.id) for identity in (FIRM, OTHER, MAIL)}
    events: list[OrderEvent] = []
    for message in messages:
        if isinstance(message, Removal):
            events += order.remove(message)
            continue
        link = links[message.identity.id]
        if isinstance(message, Revision):
            events += order.revise(message, link, {})
        elif link.follow(message) and order.public and order.public.identity.id == link.id:
            events += order.follow(link)
    assert [event.order.version for event in events] == list(range(1, len(events) + 1))
    assert sum(isinstance(event, OrderPaid) for event in events) == order.paid_announced
    if events and order.public:
        assert events[-1].partition_key == order.public.key
        assert events[-1].order == order.public.model_copy(update={"revised_at": events[-1].order.revised_at})
    return order


def _shown(order: Order) -> dict[str, Any]:
    assert order.public is not None
    return order.public.model_dump(exclude={"version"})


@given(
    st.lists(st.tuples(SAID, st.none() | MOMENT), min_size=1, max_size=6),
    st.lists(REMOVAL, max_size=4),
    st.lists(LINK, max_size=5),
    st.randoms(use_true_random=False),
)
def test_any_order_and_any_repetition_of_what_is_told_ends_in_the_same_state(
    said: list[tuple[dict[str, Any], datetime | None]],
    removals: list[Removal],
    links: list[IdentityLinked],
    random: Random,
) -> None:
    once = {(link.identity.id, link.version): link for link in links}
    revisions = [
        replace(a_revision(arrival=n, **words), restored_at=restored_at)
        for n, (words, restored_at) in enumerate({str(words): (words, at) for words, at in said}.values(), start=1)
    ]
    messages: list[Revision | Removal | IdentityLinked] = [*revisions, *removals, *once.values()]
    shuffled = messages * 2
    random.shuffle(shuffled)
    assert _shown(_play(messages)) == _shown(_play(shuffled))
