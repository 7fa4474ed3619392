"""What a person may do about clients, identities, tasks, settings and keys: load, decide, save."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from chassis.consume.fold import perform
from chassis.errors import Invalid, VersionMismatch
from chassis.events.unit import Unit
from chassis.web.keys import sign_key
from clients import store
from clients.domain.card import AddTask, Card, SetStar, SetStatus, StoredTask
from clients.domain.edit import EditCard, edit_card
from clients.domain.identity import valid_dic, valid_ico
from clients.domain.refusals import DicWrong, IcoWrong, StatusTaken, StatusUnknown, TaskUnknown
from clients.domain.register import LinkIdentity, NewClient, Register
from clients.store import keys, settings, tasks
from schemas.clients import Client, KeyRevoked, Task
from schemas.event import Event


def check_numbers(fields: dict[str, Any]) -> None:
    """Put the IČO and DIČ among the fields of a card in their right form. Raises IcoWrong and DicWrong."""
    for name, valid, wrong in (("ico", valid_ico, IcoWrong), ("dic", valid_dic, DicWrong)):
        if fields.get(name, "").strip():
            fields[name] = valid(fields[name])
            if not fields[name]:
                raise wrong
        elif name in fields:
            fields[name] = ""


async def store_client(unit: Unit, client: Client) -> Client:
    """Store a client by hand. Raises IcoTaken, DicTaken and StatusUnknown."""

    def decide(register: Register, new: NewClient) -> Iterator[Event]:
        return register.store_by_hand(new.client)

    register: Register = await perform(unit, decide, NewClient(client), store.register)
    return register.cards[client.id]


async def change_card(unit: Unit, edit: EditCard) -> Client:
    """Write fields of a card. Raises ClientUnknown, VersionMismatch, IcoTaken and DicTaken."""
    cards: list[Card] = []

    def decide(register: Register, card: Card, edit: EditCard) -> Iterator[Event]:
        cards.append(card)
        return edit_card(register, card, edit)

    await perform(unit, decide, edit, store.register, store.cards)
    return cards[0].known()


async def set_status(unit: Unit, command: SetStatus) -> Client:
    """Give a client a status. Raises ClientUnknown, VersionMismatch and StatusUnknown."""

    def decide(card: Card, wanted: SetStatus) -> Iterator[Event]:
        return card.set_status(wanted.status, expected=wanted.expected)

    card: Card = await perform(unit, decide, command, store.cards)
    return card.known()


async def set_star(unit: Unit, command: SetStar) -> Client:
    """Give a client a star or take it. Raises ClientUnknown and VersionMismatch."""

    def decide(card: Card, wanted: SetStar) -> Iterator[Event]:
        return card.set_star(starred=wanted.starred, expected=wanted.expected)

    card: Card = await perform(unit, decide, command, store.cards)
    return card.known()


async def link_identity(unit: Unit, identity_id: UUID, client_id: UUID | None, expected: int | None = None) -> None:
    """Say whose an identity is. Raises IdentityUnknown, ClientUnknown and VersionMismatch."""

    def decide(register: Register, command: LinkIdentity) -> Iterator[Event]:
        return register.link_by_hand(*command)

    await perform(unit, decide, LinkIdentity(identity_id, client_id, expected), store.register)


async def add_task(unit: Unit, task: AddTask) -> StoredTask:
    """Put a task on the list. Raises ClientUnknown."""

    def decide(card: Card, new: AddTask) -> Iterator[Event]:
        return card.add_task(Task(**new._asdict(), version=1))

    card: Card = await perform(unit, decide, task, store.cards)
    return card.tasks[-1]


async def complete_task(unit: Unit, task_id: UUID, expected: int | None) -> StoredTask:
    """Take a task off the list of what is to be done; twice is as once. Raises TaskUnknown and VersionMismatch."""
    stored = await tasks.lock_task(unit.connection, task_id)
    if stored is None:
        raise TaskUnknown
    if expected is not None and expected != stored.task.version:
        raise VersionMismatch
    if stored.task.state == "done":
        return stored
    done = stored._replace(task=stored.task.model_copy(update={"state": "done", "version": stored.task.version + 1}))
    await tasks.save_task(unit.connection, done.task)
    return done


async def set_b2b(unit: Unit, *, create: bool, default_status: str) -> None:
    """Say whether B2B orders make clients, and with which status. Raises StatusUnknown."""
    if not await settings.has_status(unit.connection, default_status):
        raise StatusUnknown(field="default_status")
    await settings.write_b2b(unit.connection, create=create, default_status=default_status)


async def add_status(unit: Unit, status: settings.Status) -> None:
    """Put a status on the list. Raises StatusTaken."""
    if not await settings.add_status(unit.connection, status):
        raise StatusTaken


async def edit_status(unit: Unit, status: settings.Status) -> None:
    """Write group, colour and place of a status. Raises StatusUnknown."""
    if not await settings.edit_status(unit.connection, status):
        raise StatusUnknown


async def make_key(
    unit: Unit, signing_key: str, *, name: str, role: str, expires_at: datetime | None
) -> tuple[keys.StoredKey, str]:
    """Sign a key; its text is returned once and not stored. Raises Invalid for an expiry in the past."""
    if expires_at and await keys.has_passed(unit.connection, expires_at):
        raise Invalid(errors=[{"field": "expires_at", "message": "is over already"}])
    key_id, signed_by = uuid4(), json.loads(signing_key)["kid"]
    new = keys.NewKey(key_id, name, role, expires_at, unit.cause.actor, signed_by)
    stored = await keys.add_key(unit.connection, new)
    return stored, sign_key(signing_key, role=role, name=name, key_id=key_id, expires_at=expires_at)


async def revoke_key(unit: Unit, key_id: UUID) -> datetime:
    """Revoke a key here at once, and everywhere by its event; any key of the suite, whoever signed it."""
    revoked_at, new = await keys.revoke(unit.connection, key_id)
    if new:
        unit.publish(KeyRevoked(key_id=key_id, revoked_at=revoked_at))
    return revoked_at
