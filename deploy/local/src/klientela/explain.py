"""`klientela explain`: the chain of events and rule versions behind a thing, from its root to what is the case now."""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from klientela.chain import Causes, Event, Link
from klientela.errors import Refusal
from klientela.explain_text import show_chain, show_ledger
from klientela.layout import DataDirectory
from klientela.ledger import ledger_of
from klientela.running import Apis, RunningSuite


class Question(NamedTuple):
    """Whom to ask about a kind of thing, and the events that answer, the first types that there are."""

    owner: str
    types: Sequence[tuple[str, ...]]
    unknown: str


ORDER_EVENTS = tuple(
    f"orders.order_{what}.v1" for what in ("placed", "changed", "paid", "refunded", "cancelled", "assigned", "left")
)
QUESTIONS: Mapping[str, Question] = {
    "status": Question(
        "clients", (("clients.client_status_changed.v1",), ("clients.client_created.v1",)), "There is no client {id}."
    ),
    "star": Question("clients", (("clients.client_starred.v1",),), "Client {id} has never had a star."),
    "task": Question("clients", (("clients.task_created.v1",),), "There is no task {id}."),
    "opportunity": Question("orders", (("orders.opportunity_opened.v1",),), "There is no opportunity {id}."),
    "order": Question("orders", (ORDER_EVENTS,), "There is no order {id}."),
}
"""What one event has made so: the chain is what led to that event."""

BALANCES = {
    "points": "Client {id} has never had points.",
    "tier": "Client {id} has the first tier and never had points.",
}
"""What all movements of an account together have made so, and what is said when there are none."""

MANY = 10
"""Orders of one number that are named when it is not clear which is meant."""

KINDS = ("status", *BALANCES, *(kind for kind in QUESTIONS if kind != "status"))


def explain(layout: DataDirectory, kind: str, subject: str, *, whole: bool, as_json: bool) -> int:
    """Print the chain behind a thing; raises Refusal when nothing is known of it."""
    if kind not in KINDS:
        raise Refusal(f"`{kind}` cannot be explained; what can is {', '.join(KINDS)}.")
    with RunningSuite.of(layout).apis() as apis:
        identity = identity_of(apis, kind, subject)
        if kind in BALANCES:
            explain_balance(apis, kind, identity, whole=whole, as_json=as_json)
        else:
            chain = chain_of(apis, QUESTIONS[kind], identity)
            say(identity, chain) if as_json else show_chain(f"Why {kind} {identity} is as it is:", chain)
    return 0


def identity_of(apis: Apis, kind: str, subject: str) -> UUID:
    """The id that was given, or that of the order that channels call so. Raises Refusal when it is neither."""
    try:
        return UUID(subject)
    except ValueError:
        if kind != "order":
            raise Refusal(
                f"`{subject}` is no id. An id has 32 hexadecimal digits; every list of the API shows them."
            ) from None
    found = apis.get("orders", "/v1/orders", external_id=subject, limit=MANY)["items"]
    if len(found) == 1:
        return UUID(found[0]["id"])
    if not found:
        raise Refusal(f"There is no order {subject} in any channel.")
    raise Refusal(f"Several channels have an order {subject}: {', '.join(order['id'] for order in found)}. Say which.")


def say(subject: UUID, chain: Sequence[Link], **more: int) -> None:
    """The contract's answer for machines."""
    print(json.dumps({"subject": str(subject), "chain": chain, **more}, ensure_ascii=False))


def explain_balance(apis: Apis, kind: str, client: UUID, *, whole: bool, as_json: bool) -> None:
    """Print the ledger behind points or a tier. Raises Refusal when there is none."""
    ledger = ledger_of(apis, client, tier=kind == "tier", whole=whole)
    if ledger is None:
        raise Refusal(BALANCES[kind].format(id=client))
    if as_json:
        say(client, ledger.chain, balance=ledger.balance, earlier=ledger.earlier)
    else:
        show_ledger(kind, client, ledger)


def chain_of(apis: Apis, question: Question, subject: UUID) -> list[Link]:
    """The chain behind a thing, root first. Raises Refusal when nothing is known of it."""
    event = latest(apis, question, subject)
    if event is None:
        raise Refusal(question.unknown.format(id=subject))
    return [link for _, link in Causes(apis).back_from(event)][::-1]


def latest(apis: Apis, question: Question, subject: UUID) -> Event | None:
    """The latest event that answers a question; nothing when there is none."""
    for types in question.types:
        items: list[Event] = apis.get(question.owner, f"/v1/subjects/{subject}/events", limit=1, type=types)["items"]
        if items:
            return items[0]
    return None
