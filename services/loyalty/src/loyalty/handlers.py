"""What happens elsewhere, and what loyalty decides about it."""

from collections.abc import Iterator

from chassis.effects import StartJob, TimerFired, Turn
from chassis.events.record import Cause
from chassis.service import Service
from loyalty import store
from loyalty.domain import REGRADE, Account, Programmes, Why
from schemas.automation import PointsAwardRequested
from schemas.event import Event
from schemas.loyalty import EVENTS
from schemas.orders import ORDER_EVENTS, OrderEvent, OrderForgotten, OrderLeft

service = Service("loyalty", states=(store.accounts, store.programmes), publishes=EVENTS, checks=store.CHECKS)
service.on_start(store.put_in_first_programme)


@service.on(*ORDER_EVENTS, state=store.accounts, cause=True)
def settle_order(account: Account, event: OrderEvent, *, cause: Cause) -> Iterator[Event]:
    """Points follow the order's latest state; the ledger gets the difference."""
    present, incarnation = not isinstance(event, OrderLeft), event.stamp.incarnation
    yield from account.settle(event.order, Why(cause.id, cause.place), incarnation=incarnation, present=present)


@service.on(OrderForgotten, state=store.accounts, cause=True)
def forget_order(account: Account, event: OrderForgotten, *, cause: Cause) -> Iterator[Event]:
    """An order that is no more bears no points."""
    yield from account.forget(event.order_id, Why(cause.id, cause.place), incarnation=event.stamp.incarnation)


@service.on(PointsAwardRequested, state=store.accounts, cause=True, once=True)
def award_points(account: Account, request: PointsAwardRequested, *, cause: Cause) -> Iterator[Event]:
    """A rule's points are booked once, however often the request is heard."""
    yield from account.award(request, Why(cause.id, cause.place))


@service.timer(REGRADE, state=store.programmes)
def begin_programme(_: Programmes, fired: TimerFired) -> Iterator[StartJob]:
    """A new programme brings everybody to their right tier when it begins."""
    yield StartJob(REGRADE, fired.subject)


@service.job(REGRADE, state=store.accounts, page=store.ungraded)
def regrade(account: Account, _: Turn) -> Iterator[Event]:
    """Everybody comes to the tier that the programme in force gives them."""
    yield from account.regrade()
