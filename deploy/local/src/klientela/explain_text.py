"""What `explain` prints for people."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from rich.table import Column
from rich.text import Text

from klientela.chain import Link
from klientela.ledger import Ledger
from klientela.tables import indented, number, table, terminal

DEEPEST = 10
"""Events that are further from their root are not indented more."""

REASONS = {
    "orders.order_placed.v1": "placed",
    "orders.order_changed.v1": "changed",
    "orders.order_paid.v1": "paid",
    "orders.order_refunded.v1": "refunded",
    "orders.order_cancelled.v1": "cancelled",
    "orders.order_assigned.v1": "linked",
    "orders.order_left.v1": "unlinked",
}


def show_chains(title: str, chains: Sequence[Sequence[Link]]) -> None:
    """Chains: each event below what caused it, with when and where it was written beneath it."""
    console = terminal()
    console.print(Text(title, style="bold"), soft_wrap=True)
    for depth, link in itertools.chain.from_iterable(map(enumerate, chains)):
        indent = min(depth, DEEPEST) * 3
        if cause := link.get("cause"):
            indented(console, Text(f"({spoken(cause)})", style="dim"), indent)
        indented(console, Text(("└─ " if depth else "") + link["type"]), indent)
        indented(console, Text(f"{moment(link['at'])}  {place(link)}", style="dim"), indent + 3)
        if rule := rule_of(link):
            indented(console, Text(rule), indent + 3)


def show_ledger(kind: str, client: UUID, ledger: Ledger) -> None:
    """The movements as a table, the last one at the end, and the chain that led to it."""
    console = terminal()
    last = ledger.movements[-1]
    what = f"{ledger.balance:,} points" if kind == "points" else f"the tier {last['tier']}"
    console.print(Text(f"Why client {client} has {what}:", style="bold"), soft_wrap=True)
    if ledger.earlier:
        console.print(f"{ledger.earlier:,} earlier movements are not shown; --all shows them.", style="dim")
    lines = table(
        Column("day", no_wrap=True), number("points"), number("balance"), "because", number("programme"), "event"
    )
    for movement in ledger.movements:
        points = f"{movement['points']:+,}" if "points" in movement else ""
        programme = str(movement["programme_version"] or "")
        day = moment(movement.get("counted_at") or movement["at"])[:10]
        lines.add_row(day, points, f"{movement['balance']:,}", reason_of(movement), programme, place(movement))
    console.print(lines)
    show_chains("What led to the last one:", [chain_to(last, ledger.chain)])


def chain_to(last: Link, chain: Sequence[Link]) -> list[Link]:
    """The part of a chain that led to one link."""
    by_id = {link["event_id"]: link for link in chain}
    path = [by_id[last["event_id"]]]
    while path[-1]["caused_by"]:
        path.append(by_id[path[-1]["caused_by"]])
    return path[::-1]


def reason_of(movement: Mapping[str, Any]) -> str:
    """Why points came or went, or a tier was reached."""
    reached = f"{movement['previous_tier']} → {movement['tier']}: " if "previous_tier" in movement else ""
    order, because = movement["order_number"], movement["because"]
    if rule := rule_of(movement):
        return reached + rule
    if order is not None:
        return f"{reached}order {order} {REASONS.get(because, because)}"
    return reached + (because or "asked for by hand")


def rule_of(link: Mapping[str, Any]) -> str:
    """The rule behind a link and its version; empty when none is."""
    return f"rule “{link.get('rule_name') or link['rule']}”, version {link['rule_version']}" if link["rule"] else ""


def place(link: Mapping[str, Any]) -> str:
    """Where an event stands in its owner's log."""
    return f"{link['source']}/{link['lane']}/{link['sequence']}"


def moment(at: str) -> str:
    """A time without what nobody reads."""
    return at[:19].replace("T", " ")


def spoken(cause: Mapping[str, Any]) -> str:
    """A cause that is no event, as a phrase."""
    return {
        "start": "put in when the service was new",
        "command": f"asked for by {cause.get('actor') or 'nobody who said a name'}",
        "intake": f"a message that came by {cause.get('actor')}",
        "timer": f"a timer had come due or a job went on, set by {cause.get('actor') or 'the event above'}",
        "lost": f"caused by {cause.get('place')}, which its owner no longer has",
    }[cause["kind"]]
