"""What happens elsewhere, and what loyalty decides about it."""

from collections.abc import Iterator

from chassis.effects import SetTimer, TimerFired
from chassis.events.record import Cause
from chassis.service import Service
from loyalty import store
from loyalty.domain import REGRADE, Account, Regrading, Why
from schemas.automation import PointsAwardRequested
from schemas.event import Event
from schemas.loyalty import EVENTS
from schemas.orders import EVENTS as EVENTS_OF_ORDERS
from schemas.orders import OrderEvent, OrderLeft

ORDER_EVENTS = [kind for kind in EVENTS_OF_ORDERS if issubclass(kind, OrderEvent)]

service = Service("loyalty", states=(store.accounts, store.regradings), publishes=EVENTS, checks=store.CHECKS)
service.on_start(store.put_in_first_programme)


@service.on(*ORDER_EVENTS, state=store.accounts, cause=True)
def settle_order(account: Account, event: OrderEvent, *, cause: Cause) -> Iterator[Event]:
    """Points follow the order's latest state; the ledger gets the difference."""
    yield from account.settle(event.order, Why(cause.id, cause.place), present=not isinstance(event, OrderLeft))


@service.on(PointsAwardRequested, state=store.accounts, cause=True, once=True)
def award_points(account: Account, request: PointsAwardRequested, *, cause: Cause) -> Iterator[Event]:
    """A rule's points are booked once, however often the request is heard."""
    yield from account.award(request, Why(cause.id, cause.place))


@service.timer(REGRADE, state=store.regradings)
def regrade_accounts(regrading: Regrading, fired: TimerFired) -> Iterator[Event | SetTimer]:
    """A new programme brings everybody to their right tier, page by page."""
    yield from regrading.go_on(fired)
