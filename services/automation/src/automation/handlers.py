"""What automation hears: facts are kept of everything about clients, then rules act on what they listen to."""

from collections.abc import Iterator

from automation import commands, store
from automation.actions import steps_of
from automation.domain.facts import ClientFacts
from automation.domain.rule import RuleBook, RuleVersion
from automation.domain.run import Occasion, Run, Step, Trace
from automation.domain.trigger import TRIGGERS
from chassis.events.record import Cause
from chassis.rules import InvalidTree, Scene
from chassis.service import Service
from schemas.automation import EVENTS
from schemas.clients import (
    ClientChanged,
    ClientCreated,
    ClientEvent,
    ClientForgotten,
    ClientStarred,
    ClientStatusChanged,
)
from schemas.event import Event
from schemas.orders import ORDER_EVENTS, OrderEvent, OrderForgotten

service = Service("automation", states=(store.clients, store.book, store.traces), publishes=EVENTS, checks=store.CHECKS)
service.on_start(commands.seed_rules)


@service.on(*ORDER_EVENTS, state=store.clients)
def keep_orders(client: ClientFacts, event: OrderEvent) -> None:
    """A client's facts follow the latest state of every order that is the client's."""
    client.keep_order(event)


@service.on(OrderForgotten, state=store.clients)
def forget_order(client: ClientFacts, event: OrderForgotten) -> None:
    """An order that is no more is nobody's."""
    client.forget_order(event)


@service.on(ClientCreated, ClientChanged, ClientStatusChanged, ClientStarred, ClientForgotten, state=store.clients)
def keep_card(client: ClientFacts, event: ClientEvent | ClientForgotten) -> None:
    """A client's facts follow the latest card."""
    client.keep_card(event)


@service.on(*TRIGGERS.values(), state=(store.clients, store.book, store.traces), cause=True)
def run_rules(client: ClientFacts, book: RuleBook, trace: Trace, event: Event, *, cause: Cause) -> Iterator[Event]:
    """Every rule that listens and whose conditions hold, the event included, asks for what it wants; once per event."""
    scene = client.scene(event)
    for rule in book.hearing(event, cause.lane, (cause.incarnation, cause.sequence)):
        if not _concerns(rule, scene):
            continue
        occasion = Occasion(rule, event, cause.id, client.client_id, cause.at or trace.now)
        if occasion.run_id not in trace.known:
            steps = _act(occasion)
            trace.keep(Run(occasion, cause.source, cause.lane, cause.sequence, steps))
            yield from (step.request for step in steps if step.request)


def _concerns(rule: RuleVersion, scene: Scene) -> bool:
    """Tell whether a rule's conditions hold; one that cannot be read is taken up too, so that its run says so."""
    try:
        return rule.holds(scene)
    except InvalidTree:
        return True


def _act(occasion: Occasion) -> tuple[Step, ...]:
    """Return what a rule asks for; one that cannot be read asks for nothing and stops no other."""
    try:
        occasion.rule.predicate  # noqa: B018 - compiled, or the reason why not
        return steps_of(occasion)
    except (InvalidTree, ValueError):
        return (Step("", "", reason="rule-unreadable"),)
