"""What the clients do about orders and about requests of automation."""

from collections.abc import Callable, Iterable, Iterator

from chassis.effects import Restate
from chassis.errors import BusinessError, Later
from chassis.events.record import Cause
from chassis.service import Service
from clients import store
from clients.domain.card import Card, Origin
from clients.domain.copies import OrderCopy
from clients.domain.refusals import ClientUnknown
from clients.domain.register import Register
from clients.store.keys import Revocation
from schemas.automation import ClientStarRequested, ClientStatusChangeRequested, Request, TaskRequested
from schemas.clients import (
    EVENTS,
    ClientChanged,
    ClientCreated,
    ClientForgotten,
    ClientStarred,
    ClientStatusChanged,
    IdentityForgotten,
    IdentityLinked,
    KeyRevoked,
    RequestRefused,
    Task,
)
from schemas.event import Event
from schemas.orders import ORDER_EVENTS, OrderEvent, OrderForgotten

service = Service("clients", (store.register, store.copies, store.cards, store.revocations), EVENTS, store.CHECKS)


@service.on(*ORDER_EVENTS, state=store.register)
def see_order(register: Register, seen: OrderEvent) -> Iterator[Event]:
    """An order of nobody finds or makes its client; one that a person assigned teaches whose its identity is."""
    client_id = seen.order.client_id
    return register.follow_operator(seen.order, client_id) if client_id else register.see(seen.order)


@service.on(*ORDER_EVENTS, state=store.copies)
def count_order(copy: OrderCopy, seen: OrderEvent) -> None:
    """A client's counts and revenue follow the latest state of each order; one that left counts no more."""
    copy.hear(seen)


@service.on(OrderForgotten, state=store.copies)
def forget_order(copy: OrderCopy, forgotten: OrderForgotten) -> None:
    """An order that is no more counts for nobody."""
    copy.forget(forgotten)


@service.on(ClientStatusChangeRequested, state=store.cards, once=True)
def change_status(card: Card, asked: ClientStatusChangeRequested) -> Iterator[Event]:
    """A rule wants a client to have a status."""
    yield from _or_refuse(asked, lambda: card.set_status(asked.status, request=asked.request_id))


@service.on(ClientStarRequested, state=store.cards, once=True)
def change_star(card: Card, asked: ClientStarRequested) -> Iterator[Event]:
    """A rule wants a client to have a star, or none."""
    yield from _or_refuse(asked, lambda: card.set_star(starred=asked.starred, request=asked.request_id))


@service.on(TaskRequested, state=store.cards, once=True, cause=True)
def create_task(card: Card, asked: TaskRequested, *, cause: Cause) -> Iterator[Event]:
    """A rule wants somebody to do something for a client."""
    task = Task(
        id=asked.request_id,
        client_id=asked.client_id,
        title=asked.title,
        due=asked.due,
        assignee=asked.assignee,
        version=1,
    )
    origin = Origin(cause.id, cause.place)
    yield from _or_refuse(asked, lambda: card.add_task(task, request=asked.request_id, origin=origin))


@service.restate(
    "client", ClientCreated, ClientChanged, ClientStatusChanged, ClientStarred, ClientForgotten, state=store.cards
)
def restate_client(card: Card, asked: Restate) -> Iterator[Event]:
    """Whoever keeps a copy of a card that was lost hears how it is."""
    yield from card.restate(asked)


@service.restate("identity", IdentityLinked, IdentityForgotten, state=store.register)
def restate_identity(register: Register, asked: Restate) -> Iterator[Event]:
    """Whoever follows a link that was lost hears whose the identity is."""
    yield from register.restate(asked.subject)


@service.restate("key", KeyRevoked, state=store.revocations)
def revoke_again(key: Revocation, asked: Restate) -> Iterator[Event]:
    """A key that was revoked stays so: who asks has heard of it."""
    yield KeyRevoked(key_id=asked.subject, revoked_at=key.again())


def _or_refuse(asked: Request, decide: Callable[[], Iterable[Event]]) -> Iterator[Event]:
    """Do what was asked, or say why not. Who is not known may still be to come: topics have no order between them."""
    try:
        yield from decide()
    except ClientUnknown as unknown:
        raise Later(unknown.slug) from unknown
    except BusinessError as refusal:
        yield RequestRefused(request_id=asked.request_id, client_id=asked.client_id, reason=refusal.slug)
