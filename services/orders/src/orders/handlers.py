"""What the orders service hears, and what it decides."""

from collections.abc import Iterator

from chassis.effects import Restate
from chassis.events.record import Cause
from chassis.service import Service
from orders import store
from orders.adapters import canonical, kafka_intake, woocommerce
from orders.domain.card import Card
from orders.domain.link import Link
from orders.domain.opportunity import Lead, Reason
from orders.domain.order import Order
from orders.domain.product import Catalogue
from orders.domain.revision import Removal, Revision
from orders.store.orders import Portfolio
from schemas.automation import OpportunityRequested
from schemas.clients import (
    ClientChanged,
    ClientCreated,
    ClientEvent,
    ClientForgotten,
    ClientStarred,
    ClientStatusChanged,
    IdentityForgotten,
    IdentityLinked,
)
from schemas.event import Event
from schemas.orders import EVENTS, ORDER_EVENTS, OrderForgotten

REVISED = (store.orders, store.links, store.catalogues)
service = Service(
    "orders",
    states=(
        store.links, store.orders, store.portfolios, store.cards, store.catalogues, store.shelves, store.opportunities,
    ),
    publishes=EVENTS,
    checks=store.CHECKS,
)  # fmt: skip
service.listen_outside(kafka_intake.TOPIC, kafka_intake.accept)


@service.intake("woocommerce", parse=woocommerce.parse, state=REVISED)
@service.intake("woocommerce-restored", parse=woocommerce.parse_restored, state=REVISED)
@service.intake("order", parse=canonical.parse, state=REVISED)
def take_revision(order: Order, link: Link, catalogue: Catalogue, revision: Revision) -> Iterator[Event]:
    """An order is what its channel said last, and belongs to whom its buyer is linked."""
    yield from order.revise(revision, link, catalogue)


@service.intake("woocommerce-deleted", parse=woocommerce.parse_deleted, state=store.orders)
def cancel_deleted(order: Order, removal: Removal) -> Iterator[Event]:
    """What the shop deleted is cancelled here and stays to be seen."""
    yield from order.remove(removal)


@service.on(IdentityLinked, IdentityForgotten, state=(store.links, store.portfolios))
def follow_link(link: Link, portfolio: Portfolio, linked: IdentityLinked | IdentityForgotten) -> Iterator[Event]:
    """The orders of an identity go to the client it is linked to, unless an operator has said otherwise."""
    if link.follow(linked):
        for order in portfolio.orders:
            yield from order.follow(link)


@service.on(ClientCreated, ClientChanged, ClientStatusChanged, ClientStarred, ClientForgotten, state=store.cards)
def keep_card(card: Card, heard: ClientEvent | ClientForgotten) -> None:
    """Whom to bill is known before an operator asks."""
    card.keep(heard)


@service.restate("order", *ORDER_EVENTS, OrderForgotten, state=store.orders)
def restate_order(order: Order, asked: Restate) -> Iterator[Event]:
    """Whoever heard of an order what was lost hears how it is."""
    yield from order.restate(asked)


@service.on(OpportunityRequested, state=(store.opportunities, store.catalogues), cause=True, once=True)
def open_opportunity(
    lead: Lead, catalogue: Catalogue, requested: OpportunityRequested, *, cause: Cause
) -> Iterator[Event]:
    """A rule's offer becomes an opportunity at the catalogue's price."""
    reason = Reason(
        event_id=cause.id,
        type=requested.event_type,
        source=cause.source,
        lane=cause.lane,
        sequence=cause.sequence,
        rule_id=requested.rule_id,
        rule_version=requested.rule_version,
    )
    yield from lead.open(requested, catalogue.get(requested.sku or ""), reason)
