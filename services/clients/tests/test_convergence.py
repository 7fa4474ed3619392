"""Any interleaving of lanes, with anything heard again, ends in the same copies and in one client for each firm."""

from collections import defaultdict
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from clients.domain.copies import OrderCopy
from clients.domain.identity import Link
from clients.domain.register import Register, Settings, identities_of
from clients.store import copies, register
from schemas.ids import derive
from schemas.orders import OrderEvent
from schemas.values import Billing
from services.clients.tests.factories import CHANNEL, DIC, ICO, OTHER_ICO, buyer, moved, paid, placed

A, B = derive("test", "A"), derive("test", "B")
ONLY_DIC = {"identity": buyer("dic", DIC), "billing": Billing(company="K", dic=DIC)}
ONLY_ICO = {"billing": Billing(company="K", ico=ICO)}
CUSTOMER = buyer("external", f"{CHANNEL}:1")
HISTORY: tuple[OrderEvent, ...] = (
    placed(1), *moved(1, buyer().id, A, 2), paid(1, A, 4), *moved(1, A, B, 5), paid(1, B, 7, refunded="250.5"),
    placed(2, **ONLY_DIC), placed(3, **ONLY_ICO), *moved(3, buyer().id, B, 2, **ONLY_ICO),
    *moved(3, B, A, 4, **ONLY_ICO), *moved(3, A, B, 6, **ONLY_ICO), placed(4, identity=CUSTOMER),
    placed(5, identity=buyer("ico", OTHER_ICO)), paid(6, A, 1), *moved(6, A, None, 2),
)  # fmt: skip
LANES: dict[UUID, list[OrderEvent]] = defaultdict(list)
for happened in HISTORY:
    LANES[happened.partition_key].append(happened)


@st.composite
def interleavings(draw: st.DrawFn) -> list[OrderEvent]:
    """Return all lanes shuffled into one stream, each in its order, with pieces of the past heard once more."""
    waiting = {key: list(events) for key, events in LANES.items()}
    heard: list[OrderEvent] = []
    while waiting:
        key = draw(st.sampled_from(sorted(waiting)))
        heard.append(waiting[key].pop(0))
        if not waiting[key]:
            del waiting[key]
        if draw(st.integers(0, 5)) == 0:
            heard.append(draw(st.sampled_from(heard)))
    return heard


def counted(stream: list[OrderEvent]) -> set[tuple[object, ...]]:
    """Return the copies that are present after a stream."""
    found: dict[object, OrderCopy] = {}
    for event in stream:
        if key := copies.key(event):
            copy = found.setdefault(key, OrderCopy(*key))
            copy.hear(event)
    return {(c.client_id, c.order_id, c.stamp.version, c.revenue, c.paid) for c in found.values() if c.present}


def registered(stream: list[OrderEvent]) -> Register:
    """Return the register after a stream."""
    state = Register(Settings(create=True, default_status="VIP", statuses=frozenset({"VIP"})), {}, {}, last_number=0)
    for event in stream:
        if register.key(event):
            for identity in identities_of(event.order):
                state.links.setdefault(identity.id, Link(identity))
            list(state.see(event.order) if event.order.client_id is None else ())
    return state


@given(interleavings())
@settings(max_examples=300)
def test_copies_converge(stream: list[OrderEvent]) -> None:
    assert counted(stream) == counted(list(HISTORY))


def test_the_history_ends_as_it_was_told() -> None:
    ends = {(client, order): revenue for client, order, _, revenue, _ in counted(list(HISTORY))}
    assert {key: str(revenue) for key, revenue in ends.items()} == {
        (B, derive("test", "order", 1)): "749.50", (B, derive("test", "order", 3)): "0",
    }  # fmt: skip


@given(interleavings())
@settings(max_examples=300)
def test_each_firm_has_one_client_and_numbers_have_no_gaps(stream: list[OrderEvent]) -> None:
    state = registered(stream)
    assert sorted(client.number for client in state.cards.values()) == [1, 2, 3]
    owners = {link.identity.value: link.client_id for link in state.links.values()}
    assert owners[ICO] == owners[DIC]
    assert len({owners[ICO], owners[OTHER_ICO], owners[CUSTOMER.value]}) == 3
    assert None not in {owners[ICO], owners[OTHER_ICO], owners[CUSTOMER.value]}
    assert {client.ico for client in state.cards.values()} == {ICO, OTHER_ICO, ""}
