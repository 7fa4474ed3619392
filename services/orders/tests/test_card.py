"""Linking overwrites billing data with the card's: firm and address whole, a contact where the card has one."""

from orders.domain.card import overwritten
from schemas.values import Address, Billing


def test_a_firm_is_replaced_whole_and_told_whole() -> None:
    old = Billing(company="Firma s.r.o.", ico="27082440", dic="CZ27082440", name="Petr", phone="+420777111222")
    card = Billing(company="Kávová s.r.o.", ico="25596641", email="kava@example.com")
    new, replaced = overwritten(old, card)
    assert (new.company, new.ico, new.dic) == ("Kávová s.r.o.", "25596641", "")
    assert (new.name, new.phone, new.email) == ("Petr", "+420777111222", "kava@example.com")
    assert replaced == {
        "company": ("Firma s.r.o.", "Kávová s.r.o."), "ico": ("27082440", "25596641"), "dic": ("CZ27082440", ""),
    }  # fmt: skip


def test_an_address_is_replaced_whole_or_not_at_all() -> None:
    old = Billing(address=Address(street="Dlouhá 1", city="Brno"))
    assert overwritten(old, Billing())[0].address == old.address
    new, replaced = overwritten(old, Billing(address=Address(street="Krátká 2")))
    assert new.address == Address(street="Krátká 2")
    assert replaced == {"street": ("Dlouhá 1", "Krátká 2"), "city": ("Brno", "")}
