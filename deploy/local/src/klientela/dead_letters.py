"""`klientela dead-letters`: what was bad data for a handler, in all services: look, try again, or let it go."""

import json
import sys
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

from klientela.errors import Refusal
from klientela.layout import DataDirectory
from klientela.running import Apis, Refused, RunningSuite
from klientela.tables import indented, terminal

ACTIONS = ("list", "show", "retry", "drop")
LONGEST_REASON = 200


def dead_letters(
    layout: DataDirectory, action: str, letters: Sequence[str], *, service: str | None, as_json: bool
) -> int:
    """List, show, retry or drop; 0 when all that was asked for was done, else 1."""
    ids = checked(action, letters)
    suite = RunningSuite.of(layout)
    if service is not None and service not in suite.services:
        raise Refusal(f"There is no service {service}; there are {', '.join(suite.services)}.")
    among = [service] if service else list(suite.services)
    with suite.apis() as apis:
        if action == "list":
            return list_all(apis, among, as_json=as_json)
        if action == "show":
            return show(apis, among, ids[0])
        return resolve_all(apis, among, action, ids, as_json=as_json)


def checked(action: str, letters: Sequence[str]) -> list[UUID]:
    """The ids that were given. Raises Refusal when they do not fit the action."""
    if action not in ACTIONS:
        raise Refusal(f"`{action}` cannot be done with dead letters; what can is {', '.join(ACTIONS)}.")
    if action == "list" and letters:
        raise Refusal("`dead-letters list` takes no ids; `dead-letters show ID` shows one.")
    if action != "list" and not letters:
        raise Refusal(f"Say which: `dead-letters {action} ID`. `dead-letters list` shows the ids.")
    if action == "show" and len(letters) > 1:
        raise Refusal("`dead-letters show` shows one at a time.")
    try:
        return [UUID(letter) for letter in letters]
    except ValueError:
        raise Refusal("An id of a dead letter has 32 hexadecimal digits; `dead-letters list` shows them.") from None


def list_all(apis: Apis, among: Sequence[str], *, as_json: bool) -> int:
    """Print the open dead letters of services, each service's oldest first; 0, there being none is no fault."""
    found = [{"service": name, **letter} for name in among for letter in apis.pages(name, "/v1/dead-letters")]
    if as_json:
        print(json.dumps({"items": found}, ensure_ascii=False))
        return 0
    console = terminal()
    for letter in found:
        console.print(f"{letter['id']}  {letter['service']}, {letter['died_at'][:19].replace('T', ' ')}")
        indented(console, f"{letter['type']} for {letter['handler']}: {letter['reason'][:LONGEST_REASON]}", 3)
    counted = f"{len(found)} dead letter{'s' if len(found) > 1 else ''}; `dead-letters show ID` shows one whole."
    console.print(counted if found else "There are no dead letters.")
    return 0


def show(apis: Apis, among: Sequence[str], letter: UUID) -> int:
    """Print one dead letter with what it was, which may hold personal data, from every service that has it.

    A service that does not say stops no other; it is named on stderr. 1 when there is one.
    """
    shown, silent = 0, 0
    for name in among:
        try:
            found = at(apis, "GET", name, letter)
        except Refused as refused:
            print(refused, file=sys.stderr)
            silent += 1
            continue
        if found is not None:
            print(json.dumps({"service": name, **found}, ensure_ascii=False, indent=2))
            shown += 1
    if not shown and not silent:
        raise Refusal(f"No service has a dead letter {letter}.")
    return 1 if silent else 0


def resolve_all(apis: Apis, among: Sequence[str], action: str, letters: Sequence[UUID], *, as_json: bool) -> int:
    """Retry or drop each; one that fails does not stop the others. 1 when any failed."""
    results = [result for letter in letters for result in resolve(apis, among, action, letter)]
    if as_json:
        print(json.dumps({"items": results}, ensure_ascii=False))
    else:
        for result in results:
            where = f"  {result['service']}" if "service" in result else ""
            why = f": {result['reason']}" if "reason" in result else ""
            print(f"{result['id']}{where}  {result['state']}{why}")
    return 0 if all("reason" not in result for result in results) else 1


def resolve(apis: Apis, among: Sequence[str], action: str, letter: UUID) -> list[dict[str, Any]]:
    """Retry or drop a letter wherever it is: several services may have one message as theirs, under one id.

    ``reason`` is there where that was refused. Only a service that tried in vain still has it for certain.
    """
    results = []
    for name in among:
        try:
            found = at(apis, "POST", name, letter, f"/{action}")
        except Refused as refused:
            state = "open" if refused.status == HTTPStatus.CONFLICT else "unknown"
            found = {"id": str(letter), "state": state, "reason": str(refused)}
        if found is not None:
            results.append({"service": name, **found})
    unknown = {"id": str(letter), "state": "unknown", "reason": "no service has an open dead letter with this id"}
    return results or [unknown]


def at(apis: Apis, method: str, service: str, letter: UUID, what: str = "") -> dict[str, Any] | None:
    """Ask one service about a letter; nothing when it does not have it. Raises Refused for any other answer."""
    try:
        return apis.ask(method, service, f"/v1/dead-letters/{letter}{what}")
    except Refused as refused:
        if refused.status == HTTPStatus.NOT_FOUND:
            return None
        raise
