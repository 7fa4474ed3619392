"""`klientela explain`: the chain of events and rule versions behind a thing, from its root to what is the case now."""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from klientela.chain import Causes, Event, Link
from klientela.errors import Refusal
from klientela.explain_text import show_chains, show_ledger
from klientela.layout import DataDirectory
from klientela.ledger import SHOWN, ledger_of
from klientela.running import Apis, RunningSuite


class Question(NamedTuple):
    """Whom to ask about a kind of thing, and the events that answer, the first types that there are.

    The last event has made it so, or all of them together.
    """

    owner: str
    types: Sequence[tuple[str, ...]]
    unknown: str
    together: bool = False


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
    "order": Question("orders", (ORDER_EVENTS,), "There is no order {id}.", together=True),
}
"""What events have made so: the chain is what led to them."""

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
            chains = chains_of(apis, QUESTIONS[kind], identity, whole=whole)
            if as_json:
                say(identity, list({link["event_id"]: link for chain in chains for link in chain}.values()))
            else:
                show_chains(f"Why {kind} {identity} is as it is:", chains)
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


def chains_of(apis: Apis, question: Question, subject: UUID, *, whole: bool) -> list[list[Link]]:
    """The chains that led to the events behind a thing, roots first. Raises Refusal when nothing is known of it."""
    events = events_of(apis, question, subject, whole=whole)
    if not events:
        raise Refusal(question.unknown.format(id=subject))
    causes = Causes(apis)
    return [[link for _, link in causes.back_from(event)][::-1] for event in events]


def events_of(apis: Apis, question: Question, subject: UUID, *, whole: bool) -> list[Event]:
    """The events that answer a question, the oldest first: the last one, or the last of those that do so together."""
    path = f"/v1/subjects/{subject}/events"
    for types in question.types:
        items: list[Event]
        if question.together and whole:
            items = list(apis.pages(question.owner, path, type=types))
        else:
            items = apis.get(question.owner, path, limit=SHOWN if question.together else 1, type=types)["items"]
        if items:
            return items[::-1]
    return []
