"""The register: which identity belongs to which client, and the gapless series of their numbers."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from uuid import UUID

from chassis.errors import Later, VersionMismatch
from clients.domain.identity import Link, identities, kin, shown
from clients.domain.refusals import ClientUnknown, DicTaken, IcoTaken, IdentityUnknown, StatusUnknown
from schemas.clients import Client, ClientChanged, ClientCreated, IdentityForgotten, IdentityLinked
from schemas.event import Event
from schemas.ids import derive
from schemas.orders import Order
from schemas.values import Identity

FIRM = frozenset({"ico", "dic"})
LONGEST_NAME = 300


class Settings(NamedTuple):
    """Whether B2B orders make clients, with which status, and which statuses there are."""

    create: bool
    default_status: str
    statuses: frozenset[str]


class NewClient(NamedTuple):
    """A person stores a client; it is given its number and version, and for an empty status the default."""

    client: Client


class LinkIdentity(NamedTuple):
    """A person says whose an identity is; nobody's without a client."""

    identity_id: UUID
    client_id: UUID | None
    expected: int | None = None


@dataclass(slots=True)
class Register:
    """What a batch needs of the register. Links and cards are values, so a copy of the register is cheap."""

    settings: Settings
    links: dict[UUID, Link]
    cards: dict[UUID, Client]
    last_number: int | None = None
    changed_links: set[UUID] = field(default_factory=set)
    changed_cards: set[UUID] = field(default_factory=set)
    numbered: bool = False

    def __deepcopy__(self, memo: dict[int, object]) -> "Register":
        return replace(
            self,
            links=dict(self.links),
            cards=dict(self.cards),
            changed_links=set(self.changed_links),
            changed_cards=set(self.changed_cards),
        )

    def makes(self, identity: Identity) -> bool:
        """Tell whether an order makes a client by itself: firms if the setting says so, imports always."""
        return identity.kind == "external" or (self.settings.create and identity.kind in FIRM)

    def see(self, order: Order) -> Iterator[Event]:
        """An order without client came: find the client of its identity, or make one."""
        identity = order.identity
        if not self.links[identity.id].free:
            return
        if owner := self._same_firm(identity, shown(identity, order.billing)):
            yield from self._complete(owner, identity)
            yield from self._link_free(owner.id, shown(identity, order.billing))
        elif self.makes(identity):
            made = self._number(_client_of(order, self.settings.default_status))
            yield ClientCreated(client=made)
            yield from self._link_free(made.id, shown(identity, order.billing))

    def follow_operator(self, order: Order, client_id: UUID) -> Iterator[Event]:
        """A person gave an order to a client: from the first such link on, its identity is that client's."""
        if not self.links[order.identity.id].free:
            return
        if client_id not in self.cards:
            raise Later(ClientUnknown.slug)
        yield from self._link(order.identity, client_id)

    def store_by_hand(self, client: Client) -> Iterator[Event]:
        """Store a client that a person entered, and give it the identities of its numbers."""
        status = client.status or self.settings.default_status
        if status not in self.settings.statuses:
            raise StatusUnknown
        self.check_free(client.id, client.ico, client.dic)
        made = self._number(client.model_copy(update={"status": status}))
        yield ClientCreated(client=made)
        yield from self.claim(made.id, made.ico, made.dic)

    def check_free(self, client_id: UUID, ico: str, dic: str) -> None:
        """Refuse a number that belongs to another client. Companies of one VAT group share a DIČ, so an IČO decides."""
        for identity in identities(ico, dic)[:1]:
            owner = self._same_firm(identity, ())
            if owner and owner.id != client_id:
                raise (IcoTaken if identity.kind == "ico" else DicTaken)(owner.id, owner.label)

    def claim(self, client_id: UUID, ico: str, dic: str) -> Iterator[Event]:
        """Link the numbers on a client's card that no other client has: a person wrote them there."""
        for identity in identities(ico, dic):
            if self.links[identity.id].client_id is None:
                yield from self._link(identity, client_id)

    def link_by_hand(self, identity_id: UUID, client_id: UUID | None, expected: int | None = None) -> Iterator[Event]:
        """Link an identity to a client, or to nobody and keep it so until a person links it again."""
        if identity_id not in self.links:
            raise IdentityUnknown
        if client_id is not None and client_id not in self.cards:
            raise ClientUnknown
        link = self.links[identity_id]
        if expected not in (None, link.version):
            raise VersionMismatch
        if link.client_id != client_id:
            yield from self._link(link.identity, client_id)
        elif client_id is None and not link.unlinked_by_hand:
            self._put(link._replace(unlinked_by_hand=True))

    def restate(self, identity_id: UUID) -> Iterator[Event]:
        """Tell anew whose an identity is, or that it was never linked."""
        link = self.links.get(identity_id)
        if link is None or not link.version:
            yield IdentityForgotten(identity_id=identity_id)
        else:
            self._put(link._replace(version=link.version + 1))
            yield IdentityLinked(identity=link.identity, client_id=link.client_id, version=link.version + 1)

    def _same_firm(self, identity: Identity, numbers: Iterable[Identity]) -> Client | None:
        """Return the client that an identity must mean: by the number itself, else by one that belongs to it."""
        if owner := self._owner(identity):
            return owner
        ico = identity.value if identity.kind == "ico" else ""
        for number in (*kin(identity), *numbers):
            owner = self._owner(number)
            if owner and (not ico or owner.ico in {"", ico}):
                return owner
        return next((card for card in self.cards.values() if ico and card.ico == ico), None)

    def _owner(self, number: Identity) -> Client | None:
        client_id = self.links[number.id].client_id
        return self.cards.get(client_id) if client_id else None

    def _complete(self, owner: Client, identity: Identity) -> Iterator[Event]:
        """Write a number on a card that lacks it: the order has just shown that it is the client's."""
        kind = identity.kind
        if kind in FIRM and not getattr(owner, kind):
            complete = owner.model_copy(update={kind: identity.value, "version": owner.version + 1})
            self._put_card(complete)
            yield ClientChanged(client=complete, changed=(kind,))

    def _link_free(self, client_id: UUID, numbers: Iterable[Identity]) -> Iterator[Event]:
        for identity in numbers:
            if self.links[identity.id].free:
                yield from self._link(identity, client_id)

    def _link(self, identity: Identity, client_id: UUID | None) -> Iterator[Event]:
        link = Link(identity, client_id, self.links[identity.id].version + 1, client_id is None)
        self._put(link)
        yield IdentityLinked(identity=identity, client_id=client_id, version=link.version)

    def _number(self, client: Client) -> Client:
        if self.last_number is None:
            message = "the series of numbers was not locked"
            raise RuntimeError(message)
        self.last_number += 1
        self.numbered = True
        made = client.model_copy(update={"number": self.last_number, "version": 1})
        self._put_card(made)
        return made

    def _put(self, link: Link) -> None:
        self.links[link.identity.id] = link
        self.changed_links.add(link.identity.id)

    def _put_card(self, client: Client) -> None:
        self.cards[client.id] = client
        self.changed_cards.add(client.id)


def identities_of(order: Order) -> list[Identity]:
    """Return the identities that must be locked to say whose an order without client is."""
    return [*shown(order.identity, order.billing), *kin(order.identity)]


def _client_of(order: Order, status: str) -> Client:
    """Return the card that an order gives, still without its number."""
    billing = order.billing
    numbers = {identity.kind: identity.value for identity in shown(order.identity, billing)}
    return Client(
        id=derive("client", order.identity.id),
        number=1,
        kind="company" if FIRM & numbers.keys() else "person",
        name=billing.label.strip()[:LONGEST_NAME].strip() or _nameless(order.identity),
        ico=numbers.get("ico", ""),
        dic=numbers.get("dic", ""),
        email=billing.email,
        phone=billing.phone,
        status=status,
        billing=billing.address,
        delivery=None if order.shipping == billing.address else order.shipping,
        version=1,
    )


def _nameless(identity: Identity) -> str:
    """Return what to call a client whose order has no name: a channel's customer by the channel's own number.

    >>> _nameless(Identity(kind="external", value="17215ea6-52ab-5b9d-84f7-3263295253f9:17850"))
    'Zákazník 17850'
    >>> _nameless(Identity(kind="ico", value="25596641"))
    'IČO 25596641'
    """
    if identity.kind in FIRM:
        return f"{'IČO' if identity.kind == 'ico' else 'DIČ'} {identity.value}"
    number = identity.value.partition(":")[2].strip() or identity.value
    return f"Zákazník {number}"[:LONGEST_NAME]
