"""Writing on a card by hand: its numbers are also identities, so the register has a word in it."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from clients.domain.card import Card
from clients.domain.register import Register
from schemas.event import Event


class EditCard(NamedTuple):
    """A person writes some fields of a card; numbers are in their right form already."""

    client_id: UUID
    fields: Mapping[str, Any]
    expected: int | None = None


def edit_card(register: Register, card: Card, edit: EditCard) -> Iterator[Event]:
    """Write the fields that differ; new numbers must be free and are linked.

    Links of the old numbers stay until a person takes them off: the orders that came under them are still the client's.
    """
    client = card.known(edit.expected)
    ico, dic = (_changed(edit.fields, name, getattr(client, name)) for name in ("ico", "dic"))
    register.check_free(client.id, ico, "" if edit.fields.get("ico", client.ico) else dic)
    yield from card.edit(edit.fields)
    yield from register.claim(client.id, ico, dic)


def _changed(fields: Mapping[str, Any], name: str, known: str) -> str:
    text: str = fields.get(name, "")
    return "" if text == known else text
