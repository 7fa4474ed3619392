"""The decisions themselves, without a database."""

from copy import deepcopy
from uuid import uuid4

import pytest

from chassis.errors import VersionMismatch
from clients.domain.card import Card
from clients.domain.identity import Link, kin, shown
from clients.domain.refusals import ClientUnknown, IcoTaken, IdentityUnknown, StatusUnknown
from clients.domain.register import Register, Settings
from schemas.clients import ClientCreated, IdentityLinked
from schemas.values import Billing
from services.clients.tests.factories import DIC, GROUP_DIC, ICO, a_client, an_order, buyer

STATUSES = frozenset({"Nový partner", "VIP"})


def a_register(*, create: bool = True, links: tuple[Link, ...] = ()) -> Register:
    numbers = (buyer(), buyer("dic", DIC), buyer("dic", GROUP_DIC))
    known = {identity.id: Link(identity) for identity in numbers} | {link.identity.id: link for link in links}
    return Register(Settings(create, "Nový partner", STATUSES), known, {}, last_number=44)


def test_a_decision_on_a_copy_leaves_the_register_as_it_was() -> None:
    register = a_register()
    trial = deepcopy(register)
    created, *_ = trial.see(an_order())
    assert isinstance(created, ClientCreated)
    assert created.client.label == "Klient: 45"
    assert (register.last_number, register.cards, register.changed_links) == (44, {}, set())
    assert all(link.client_id is None for link in register.links.values())


def test_a_linked_identity_teaches_nothing_more() -> None:
    owner = uuid4()
    register = a_register(links=(Link(buyer(), owner, 3),))
    assert list(register.see(an_order())) == []
    assert list(register.follow_operator(an_order(), uuid4())) == []


def test_without_the_setting_an_order_finds_its_client_and_makes_none() -> None:
    register = a_register(create=False)
    assert list(register.see(an_order())) == []
    client = a_client(dic=DIC)
    register.cards[client.id] = client
    register.links[buyer("dic", DIC).id] = Link(buyer("dic", DIC), client.id, 1)
    linked = [event for event in register.see(an_order()) if isinstance(event, IdentityLinked)]
    assert [(event.identity, event.client_id) for event in linked] == [(buyer(), client.id)]
    assert register.cards[client.id].ico == ICO


def test_a_number_of_its_own_must_not_be_had_by_another() -> None:
    client = a_client(ico=ICO)
    register = a_register(links=(Link(buyer(), client.id, 1),))
    register.cards[client.id] = client
    with pytest.raises(IcoTaken):
        register.check_free(uuid4(), ICO, "")
    register.check_free(client.id, ICO, "")


def test_only_a_locked_series_gives_numbers() -> None:
    register = a_register()
    register.last_number = None
    with pytest.raises(RuntimeError):
        list(register.see(an_order()))


def test_linking_by_hand_wants_an_identity_and_a_client_that_are_known() -> None:
    register = a_register()
    with pytest.raises(IdentityUnknown):
        list(register.link_by_hand(uuid4(), None))
    with pytest.raises(ClientUnknown):
        list(register.link_by_hand(buyer().id, uuid4()))


def test_unlinking_what_nobody_has_is_remembered_and_not_published() -> None:
    register = a_register()
    assert list(register.link_by_hand(buyer().id, None)) == []
    assert register.links[buyer().id].unlinked_by_hand
    assert list(register.see(an_order())) == []


def test_what_a_billing_shows_beside_the_identity() -> None:
    billing = Billing(ico=ICO, dic=" cz 25596641 ")
    assert shown(buyer(), billing) == [buyer(), buyer("dic", DIC)]
    assert shown(buyer(), Billing(dic="CZ25596640")) == [buyer()]
    assert shown(buyer("email", "a@b.example"), billing) == [buyer("email", "a@b.example")]
    assert kin(buyer("dic", GROUP_DIC)) == []


def test_a_card_refuses_what_it_cannot_do() -> None:
    nobody, card = Card(None, STATUSES), Card(a_client(), STATUSES)
    with pytest.raises(ClientUnknown):
        list(nobody.set_status("VIP"))
    with pytest.raises(StatusUnknown):
        list(card.set_status("Neznámý"))
    with pytest.raises(VersionMismatch):
        list(card.set_star(starred=True, expected=2))
    assert not card.changed


def test_a_card_that_is_not_changed_is_not_written() -> None:
    card = Card(a_client(), STATUSES)
    assert [*card.set_status("Nový partner"), *card.set_star(starred=False), *card.edit({"name": "Firma 1"})] == []
    assert not card.changed
