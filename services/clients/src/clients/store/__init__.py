"""The tables of the service: how states are loaded and saved, what is read for people, what ``verify`` checks."""

from clients.store.cards import Cards
from clients.store.checks import CHECKS, COPIES
from clients.store.copies import Copies
from clients.store.keys import Revocations
from clients.store.register import Registers

register = Registers()
cards = Cards()
copies = Copies()
revocations = Revocations()

__all__ = ["CHECKS", "COPIES", "cards", "copies", "register", "revocations"]
