"""Accepts what channels write to the topic ``intake.orders``: known by their token, stored without it."""

import hashlib
import re
from collections.abc import Sequence
from uuid import UUID

import orjson

from chassis.consume.intake import store_intake
from chassis.consume.kept import keep
from chassis.consume.outcomes import DeadLetter, bury
from chassis.errors import Rejected
from chassis.events.unit import Unit
from chassis.service import Intake
from orders import store
from orders.adapters.envelope import read_object, wrap
from orders.domain.channel import token_hash
from schemas.ids import derive

TOPIC = "intake.orders"
TOKEN = re.compile(rb'("token"\s*:\s*)"(?:[^"\\]|\\.)*"?')
"""A token in bytes that cannot be read as JSON: a dead letter is no place for it."""


async def accept(unit: Unit, bodies: Sequence[bytes]) -> None:
    """Store what came, channel by channel and in its order; what no channel can be found for is a dead letter."""
    read = [_opened(body) for body in bodies]
    hashes = [found[0] for found in read if isinstance(found, tuple)]
    channels = await store.channels_by_token(unit.connection, hashes)
    now = await unit.now()
    known: dict[UUID, list[bytes]] = {}
    dead: list[DeadLetter] = []
    for body, found in zip(bodies, read, strict=True):
        if isinstance(found, Rejected):
            dead.append(_letter(body, TOKEN.sub(rb'\1"hidden"', body), str(found)))
        elif channel := channels.get(found[0]):
            known.setdefault(channel, []).append(wrap(found[1], now))
        else:
            dead.append(_letter(body, found[1], "token-unknown: no channel has it; with a right one send it again"))
    for channel, kept in known.items():
        await store_intake(unit.connection, "order", channel, *kept)
    await bury(unit, TOPIC, dead)


def _opened(body: bytes) -> tuple[bytes, bytes] | Rejected:
    """Return the hash of the token, and the message without it."""
    try:
        said = read_object(body)
        token = said.pop("token", None)
        if not isinstance(token, str) or not token:
            return Rejected("token-missing: the message names no channel")
        return token_hash(token), orjson.dumps(said, default=str, option=orjson.OPT_SORT_KEYS)
    except Rejected as error:
        return error
    except orjson.JSONEncodeError:
        return Rejected("not UTF-8: a lone surrogate or a number beyond range")
    except Exception as error:  # noqa: BLE001 - reading is pure: what cannot be read, never can, and others wait behind it
        return Rejected(f"unreadable: {type(error).__name__}")


def _letter(body: bytes, kept: bytes, reason: str) -> DeadLetter:
    """Return the dead letter of a message, known by its whole body and kept without its token."""
    return DeadLetter(
        id=derive("dead-letter", TOPIC, hashlib.sha256(body).hexdigest()),
        handler="take_revision",
        source="intake",
        type="intake:order",
        record=keep(Intake(0, "order", None, kept)),
        reason=reason,
    )
