"""By what a buyer is recognised, and which other numbers mean the same firm."""

from typing import NamedTuple
from uuid import UUID

from schemas.values import Billing, Identity, is_dic, is_ico, tidy_dic, tidy_ico

CZECH_FIRM = len("CZ") + 8
"""The length of a Czech DIČ that is ``CZ`` and the firm's own IČO."""


class Link(NamedTuple):
    """An identity and the client its orders belong to; what a person unlinked is not linked again by itself."""

    identity: Identity
    client_id: UUID | None = None
    version: int = 0
    unlinked_by_hand: bool = False

    @property
    def free(self) -> bool:
        """True when the identity may still be linked without a person."""
        return self.client_id is None and not self.unlinked_by_hand


def valid_ico(text: str) -> str:
    """Return an IČO in its right form, or nothing if it is none.

    >>> valid_ico("255 96 641"), valid_ico("25596640")
    ('25596641', '')
    """
    ico = tidy_ico(text)
    return ico if is_ico(ico) else ""


def valid_dic(text: str) -> str:
    """Return a DIČ in its right form, or nothing if it is none.

    >>> valid_dic("cz 25596641"), valid_dic("25596641")
    ('CZ25596641', '')
    """
    dic = tidy_dic(text)
    return dic if is_dic(dic) else ""


def identities(ico: str, dic: str) -> list[Identity]:
    """Return the identities of numbers in their right form; a missing number has none.

    >>> [identity.kind for identity in identities("25596641", "")]
    ['ico']
    """
    firm = [Identity(kind="ico", value=ico)] if ico else []
    return [*firm, Identity(kind="dic", value=dic)] if dic else firm


def shown(identity: Identity, billing: Billing) -> list[Identity]:
    """Return the identity of an order and what else of the kind its billing shows: an IČO comes with a DIČ."""
    if identity.kind != "ico":
        return [identity]
    return [identity, *identities("", valid_dic(billing.dic))]


def kin(identity: Identity) -> list[Identity]:
    """Return the other number that can only mean the same firm: a firm's Czech DIČ is ``CZ`` and its IČO.

    >>> [k.value for k in kin(Identity(kind="ico", value="25596641")) + kin(Identity(kind="dic", value="CZ25596641"))]
    ['CZ25596641', '25596641']
    >>> kin(Identity(kind="dic", value="SK2020317068"))
    []
    """
    if identity.kind == "ico":
        return identities("", f"CZ{identity.value}")
    if identity.kind == "dic" and identity.value.startswith("CZ") and len(identity.value) == CZECH_FIRM:
        return identities(valid_ico(identity.value.removeprefix("CZ")), "")
    return []
