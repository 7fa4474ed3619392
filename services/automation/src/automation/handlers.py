"""What automation hears: facts are kept of everything about clients, then rules act on what they listen to."""

from collections.abc import Iterator

from automation import commands, store
from automation.actions import steps_of
from automation.domain.facts import ClientFacts
from automation.domain.rule import RuleBook, RuleVersion
from automation.domain.run import Occasion, Run, Step, Trace
from automation.domain.trigger import TRIGGERS
from chassis.events.record import Cause
from chassis.rules import InvalidTree
from chassis.service import Service
from schemas.automation import EVENTS
from schemas.clients import ClientChanged, ClientCreated, ClientEvent, ClientStarred, ClientStatusChanged
from schemas.event import Event
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

service = Service("automation", states=(store.clients, store.book, store.traces), publishes=EVENTS, checks=store.CHECKS)
service.on_start(commands.seed_rules)


@service.on(
    OrderPlaced, OrderChanged, OrderPaid, OrderRefunded, OrderCancelled, OrderAssigned, OrderLeft, state=store.clients
)
def keep_orders(client: ClientFacts, event: OrderEvent) -> None:
    """A client's facts follow the latest state of every order that is the client's."""
    client.keep_order(event.order, present=not isinstance(event, OrderLeft))


@service.on(ClientCreated, ClientChanged, ClientStatusChanged, ClientStarred, state=store.clients)
def keep_card(client: ClientFacts, event: ClientEvent) -> None:
    """A client's facts follow the latest card."""
    client.keep_card(event.client)


@service.on(*TRIGGERS.values(), state=(store.clients, store.book, store.traces), cause=True)
def run_rules(client: ClientFacts, book: RuleBook, trace: Trace, event: Event, *, cause: Cause) -> Iterator[Event]:
    """Every rule that listens and whose conditions hold, the event included, asks for what it wants; once per event."""
    for rule in book.hearing(event, cause.lane, cause.sequence):
        occasion = Occasion(rule, event, cause.id, client.client_id, trace.now)
        if occasion.run_id in trace.known:
            continue
        steps = _act(rule, client, occasion)
        if steps:
            trace.keep(Run(occasion, cause.source, cause.lane, cause.sequence, steps))
            yield from (step.request for step in steps if step.request)


def _act(rule: RuleVersion, client: ClientFacts, occasion: Occasion) -> tuple[Step, ...]:
    """Return what a rule asks for, nothing if its conditions do not hold; one that cannot be read stops no other."""
    try:
        return steps_of(occasion) if rule.holds(client.scene(occasion.event)) else ()
    except (InvalidTree, ValueError):
        return (Step("", "", reason="rule-unreadable"),)
