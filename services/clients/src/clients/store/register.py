"""The register in the database: identities are locked first, then their cards, then the series of numbers."""

from collections.abc import Mapping, Sequence
from itertools import chain
from uuid import UUID

from chassis.effects import Restate
from chassis.events.unit import Unit
from chassis.locks import share
from clients.domain.edit import EditCard
from clients.domain.identity import Link, identities, kin
from clients.domain.register import LinkIdentity, NewClient, Register, Settings, identities_of
from clients.store.rows import SELECT, client_of, write_clients
from clients.store.settings import LOCK
from schemas.clients import Client
from schemas.orders import OrderAssigned, OrderEvent, OrderLeft
from schemas.values import Identity

Message = OrderEvent | NewClient | EditCard | LinkIdentity | Restate
ONE = "the register"
"""There is one register, and a batch loads of it what its messages need."""

SETTINGS = """
    select create_clients, default_status, (select array_agg(name) from statuses) as statuses
    from settings
"""
INSERT_MISSING = """
    insert into identities (id, kind, value)
    select * from unnest($1::uuid[], $2::text[], $3::text[])
    on conflict do nothing
"""
LOCK_IDENTITIES = """
    select id, kind, value, client_id, version, unlinked_by_hand
    from identities
    where id = any($1::uuid[])
    order by id
    for no key update
"""
LOCK_CARDS = f"""
    {SELECT}
    where id = any($1::uuid[]) or ico = any($2::text[]) and ico <> ''
    order by id
    for no key update
"""
READ_CARDS = f"""
    {SELECT}
    where id = any($1::uuid[]) or ico = any($2::text[]) and ico <> ''
"""
LOCK_SERIES = "select last_number from series where name = 'clients' for no key update"
WRITE_SERIES = "update series set last_number = $1 where name = 'clients'"
WRITE_LINKS = """
    update identities i
    set client_id = n.client_id, version = n.version, unlinked_by_hand = n.unlinked_by_hand
    from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::boolean[]) n(id, client_id, version, unlinked_by_hand)
    where i.id = n.id
"""


class Registers:
    """States: the part of the one register that a batch touches."""

    def key(self, message: Message) -> str | None:
        """Orders matter while they are nobody's, and when a person gives one to a client."""
        if not isinstance(message, OrderEvent):
            return ONE
        if isinstance(message, OrderLeft) or message.order.identity.kind == "order":
            return None
        return ONE if _is_nobodys(message) or _given_by_person(message) else None

    async def load(self, unit: Unit, messages: Sequence[Message]) -> Mapping[str, Register]:
        await share(unit.connection, LOCK)
        settings = await unit.connection.fetchrow(SETTINGS)
        if settings is None:
            error = "the settings have no row"
            raise RuntimeError(error)
        links = await _lock_links(unit, messages)
        register = Register(Settings(settings[0], settings[1], frozenset(settings[2])), links, {})
        open_messages = [message for message in messages if _undecided(message, links)]
        register.cards = await _cards(unit, open_messages, links)
        if any(_may_make(message, register) for message in open_messages):
            register.last_number = await unit.connection.fetchval(LOCK_SERIES)
        return {ONE: register}

    async def save(self, unit: Unit, states: Sequence[Register]) -> None:
        for register in states:
            await write_clients(unit.connection, [register.cards[key] for key in register.changed_cards])
            links = [register.links[key] for key in sorted(register.changed_links)]
            if links:
                await unit.connection.execute(
                    WRITE_LINKS,
                    [link.identity.id for link in links],
                    [link.client_id for link in links],
                    [link.version for link in links],
                    [link.unlinked_by_hand for link in links],
                )
            if register.numbered:
                await unit.connection.execute(WRITE_SERIES, register.last_number)


def _is_nobodys(message: OrderEvent) -> bool:
    """An order without client; one that a person took from its client stays so."""
    return message.order.client_id is None and message.order.assigned_by != "operator"


def _given_by_person(message: OrderEvent) -> bool:
    order = message.order
    return isinstance(message, OrderAssigned) and order.client_id is not None and order.assigned_by == "operator"


def _wanted(message: Message) -> list[Identity]:
    """Return the identities to lock for a message."""
    if isinstance(message, LinkIdentity | Restate):
        return []
    if isinstance(message, OrderEvent):
        return identities_of(message.order) if message.order.client_id is None else [message.order.identity]
    if isinstance(message, EditCard):
        numbers = identities(message.fields.get("ico", ""), message.fields.get("dic", ""))
    else:
        numbers = identities(message.client.ico, message.client.dic)
    return [*numbers, *chain.from_iterable(kin(number) for number in numbers)]


async def _lock_links(unit: Unit, messages: Sequence[Message]) -> dict[UUID, Link]:
    found = {identity.id: identity for message in messages for identity in _wanted(message)}
    wanted = sorted(found)
    if wanted:
        values = [found[key] for key in wanted]
        kinds, texts = [identity.kind for identity in values], [identity.value for identity in values]
        await unit.connection.execute(INSERT_MISSING, wanted, kinds, texts)
    wanted += [message.identity_id for message in messages if isinstance(message, LinkIdentity)]
    wanted += [message.subject for message in messages if isinstance(message, Restate)]
    rows = await unit.connection.fetch(LOCK_IDENTITIES, wanted) if wanted else []
    return {
        key: Link(Identity.model_construct(kind=kind, value=value), *rest)
        for key, kind, value, *rest in map(tuple, rows)
    }


def _undecided(message: Message, links: Mapping[UUID, Link]) -> bool:
    """Tell whether a message can still change anything: orders of an identity that is not free cannot."""
    return not isinstance(message, OrderEvent) or links[message.order.identity.id].free


async def _cards(unit: Unit, messages: Sequence[Message], links: Mapping[UUID, Link]) -> dict[UUID, Client]:
    numbers = [identity for message in messages for identity in _wanted(message)]
    owners = {links[number.id].client_id for number in numbers}
    owners |= {message.client_id for message in messages if isinstance(message, LinkIdentity)}
    owners |= {message.order.client_id for message in messages if isinstance(message, OrderEvent)}
    known = sorted(owner for owner in owners if owner is not None)
    icos = sorted({number.value for number in numbers if number.kind == "ico"})
    if not known and not icos:
        return {}
    may_complete = any(isinstance(message, OrderEvent) for message in messages)
    rows = await unit.connection.fetch(LOCK_CARDS if may_complete else READ_CARDS, known, icos)
    return {row["id"]: client_of(row) for row in rows}


def _may_make(message: Message, register: Register) -> bool:
    if isinstance(message, OrderEvent):
        return message.order.client_id is None and register.makes(message.order.identity)
    return isinstance(message, NewClient)
