"""What a person may do about clients, identities, tasks, settings and keys: load, decide, save."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from schemas.clients import Client, KeyRevoked, Task
from schemas.event import Event

from chassis.consume.fold import perform
from chassis.errors import Invalid, VersionMismatch
from chassis.events.unit import Unit
from chassis.web.keys import sign_key
from clients import store
from clients.domain.card import AddTask, Card, EditCard, SetStar, SetStatus, StoredTask
from clients.domain.refusals import DicWrong, IcoWrong, StatusTaken, StatusUnknown, TaskUnknown
from clients.domain.identity import valid_dic, valid_ico
from clients.domain.register import LinkIdentity, NewClient, Register
from clients.store import keys, settings, tasks


def check_numbers(fields: dict[str, Any]) -> None:
    """Put the IČO and DIČ among the fields of a card in their right form. Raises IcoWrong and DicWrong."""
    for name, valid, wrong in (("ico", valid_ico, IcoWrong), ("dic", valid_dic, DicWrong)):
        if fields.get(name, "").strip():
            fields[name] = valid(fields[name])
            if not fields[name]:
                raise wrong
        elif name in fields:
            fields[name] = ""
