"""`klientela explain`: the chain of events and rule versions behind a thing, from its root to what is the case now."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple
from uuid import UUID

from rich.console import Console

from klientela.errors import Refusal
from klientela.layout import DataDirectory
from klientela.running import Apis, Refused, RunningSuite

Event = dict[str, Any]
LONGEST = 64
"""Events in a chain at most; hops stop rules far earlier."""

VERSION_OF_DERIVED = 5
"""Ids of raw messages, of timers' firings and of turns in a job are derived; a command's id is random."""


class Question(NamedTuple):
    """Whom to ask about a kind of thing, and the events that answer, the first types that there are."""

    owner: str
    types: Sequence[tuple[str, ...]]
    unknown: str


ORDER_EVENTS = tuple(
    f"orders.order_{what}.v1" for what in ("placed", "changed", "paid", "refunded", "cancelled", "assigned", "left")
)
POINTS = ("loyalty.points_earned.v1", "loyalty.points_taken_back.v1")
QUESTIONS: Mapping[str, Question] = {
    "status": Question(
        "clients", (("clients.client_status_changed.v1",), ("clients.client_created.v1",)), "There is no client {id}."
    ),
    "points": Question("loyalty", (POINTS,), "Client {id} has never had points."),
    "tier": Question(
        "loyalty", (("loyalty.tier_reached.v1",), POINTS), "Client {id} has the first tier and never had points."
    ),
    "star": Question("clients", (("clients.client_starred.v1",),), "Client {id} has never had a star."),
    "task": Question("clients", (("clients.task_created.v1",),), "There is no task {id}."),
    "opportunity": Question("orders", (("orders.opportunity_opened.v1",),), "There is no opportunity {id}."),
    "order": Question("orders", (ORDER_EVENTS,), "There is no order {id}."),
}


def explain(layout: DataDirectory, kind: str, subject: str, *, as_json: bool) -> int:
    """Print the chain behind a thing; raises Refusal when nothing is known of it."""
    identity = checked(kind, subject)
    with RunningSuite.of(layout).apis() as apis:
        chain = chain_of(apis, kind, identity)
        if as_json:
            print(json.dumps({"subject": str(identity), "chain": chain}, ensure_ascii=False))
        else:
            show(kind, identity, chain)
    return 0


def checked(kind: str, subject: str) -> UUID:
    """The id that was given. Raises Refusal for what is no id, or a kind of thing that cannot be explained."""
    if kind not in QUESTIONS:
        raise Refusal(f"`{kind}` cannot be explained; what can is {', '.join(QUESTIONS)}.")
    try:
        return UUID(subject)
    except ValueError:
        raise Refusal(
            f"`{subject}` is no id. An id has 32 hexadecimal digits; every list of the API shows them."
        ) from None


def chain_of(apis: Apis, kind: str, subject: UUID) -> list[dict[str, Any]]:
    """The chain behind a thing, root first. Raises Refusal when nothing is known of it."""
    question = QUESTIONS[kind]
    event = latest(apis, question, subject)
    if event is None:
        raise Refusal(question.unknown.format(id=subject))
    links: list[dict[str, Any]] = []
    while len(links) < LONGEST:
        before, cause = cause_of(apis, event)
        links.append({**link_of(apis, event), **({"cause": cause} if cause else {})})
        if before is None:
            break
        event = before
    return links[::-1]


def latest(apis: Apis, question: Question, subject: UUID) -> Event | None:
    """The latest event that answers a question; nothing when there is none."""
    for types in question.types:
        items: list[Event] = apis.get(question.owner, f"/v1/subjects/{subject}/events", limit=1, type=types)["items"]
        if items:
            return items[0]
    return None


def cause_of(apis: Apis, event: Event) -> tuple[Event | None, dict[str, Any] | None]:
    """The event that caused this one, and what stands between them or instead of it: a timer, a command, a message."""
    source, _, place = event["causationplace"].partition("/")
    if not place:
        return None, outer_cause(event)
    lane, _, sequence = place.partition("/")
    try:
        before = apis.get(source, f"/v1/events/{lane}/{sequence}")
    except Refused as refused:
        if refused.status != HTTPStatus.NOT_FOUND:
            raise
        return None, {"kind": "lost", "place": event["causationplace"]}
    between = None if before["id"] == event["causationid"] else {"kind": "timer", "id": event["causationid"]}
    return before, between


def outer_cause(event: Event) -> dict[str, Any]:
    """What caused an event that no event caused. Who asked is told by the actor: ``role:name`` or ``channel:id``."""
    causation, actor = event["causationid"], event["actor"]
    if not causation:
        kind = "start"
    elif actor.startswith(("channel", "intake")):
        kind = "intake"
    else:
        kind = "timer" if UUID(causation).version == VERSION_OF_DERIVED else "command"
    return {"kind": kind, "id": causation, "actor": actor}


def link_of(apis: Apis, event: Event) -> dict[str, Any]:
    """One link of the chain as the contract has it; the rule is there where one asked for something."""
    body = event["data"]
    rule, version = body.get("rule_id"), body.get("rule_version")
    if event["source"] != "automation" or rule is None:
        rule = version = None
    link = {
        "event_id": event["id"],
        "type": event["type"],
        "at": event["time"],
        "source": event["source"],
        "lane": event["lane"],
        "sequence": event["sequence"],
        "rule": rule,
        "rule_version": version,
    }
    return link | ({"rule_name": name_of(apis, rule)} if rule else {})


def name_of(apis: Apis, rule: str) -> str | None:
    """What a rule is called now; nothing for one that is gone."""
    try:
        name: str = apis.get("automation", f"/v1/rules/{rule}")["name"]
    except (Refused, KeyError):
        return None
    return name


def show(kind: str, subject: UUID, chain: Sequence[Mapping[str, Any]]) -> None:
    """The chain for people: each event below what caused it."""
    console = Console(highlight=False)
    console.print(f"Why {kind} {subject} is as it is:", style="bold", markup=False, soft_wrap=True)
    for depth, link in enumerate(chain):
        indent = "   " * depth + ("└─ " if depth else "")
        if cause := link.get("cause"):
            console.print(f"{'   ' * depth}({spoken(cause)})", style="dim", markup=False, soft_wrap=True)
        place = f"{link['source']}/{link['lane']}/{link['sequence']}"
        rule = f"  rule “{link['rule_name'] or link['rule']}”, version {link['rule_version']}" if link["rule"] else ""
        console.print(f"{indent}{link['at'][:19]}  {link['type']}  {place}{rule}", markup=False, soft_wrap=True)


def spoken(cause: Mapping[str, Any]) -> str:
    """A cause that is no event, as a phrase."""
    return {
        "start": "put in when the service was new",
        "command": f"asked for by {cause.get('actor') or 'nobody who said a name'}",
        "intake": f"a message that came by {cause.get('actor')}",
        "timer": f"a timer had come due or a job went on, set by {cause.get('actor') or 'the event above'}",
        "lost": f"caused by {cause.get('place')}, which its owner no longer has",
    }[cause["kind"]]
