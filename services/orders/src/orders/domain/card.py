"""What is kept here of a client's card: whom to bill."""

from dataclasses import dataclass
from uuid import UUID

from schemas.clients import Client, ClientEvent, ClientForgotten
from schemas.event import NEVER, Stamp
from schemas.values import Address, Billing


@dataclass(slots=True)
class Card:
    """The copy of one client's card; ``billing`` is missing until the client was heard of."""

    id: UUID
    billing: Billing | None = None
    stamp: Stamp = NEVER
    changed: bool = False

    def keep(self, said: ClientEvent | ClientForgotten) -> None:
        """Take over the card, or that there is none, unless something newer is known."""
        if said.stamp > self.stamp:
            self.billing = billing_of(said.client) if isinstance(said, ClientEvent) else None
            self.stamp, self.changed = said.stamp, True


def billing_of(client: Client) -> Billing:
    """Return the billing data that a card stands for."""
    company = client.kind == "company"
    return Billing(
        company=client.name if company else "",
        name="" if company else client.name,
        ico=client.ico,
        dic=client.dic,
        email=client.email,
        phone=client.phone,
        address=client.billing,
    )


def overwritten(billing: Billing, card: Billing) -> tuple[Billing, dict[str, tuple[str, str]]]:
    """Put a card over billing data; return it and (old, new) of each field replaced.

    The firm (its name, IČO and DIČ) is replaced whole, and so is an address: half of two is nobody's. A contact gives
    way only to what the card has.
    """
    firm = {"company": card.company, "ico": card.ico, "dic": card.dic}
    contact = {"name": card.name, "email": card.email, "phone": card.phone}
    said = firm | {field: value for field, value in contact.items() if value}
    address = card.address if card.address != Address() else billing.address
    new = billing.model_copy(update={**said, "address": address})
    old_fields, new_fields = _flat(billing), _flat(new)
    return new, {name: (old, new_fields[name]) for name, old in old_fields.items() if old and old != new_fields[name]}


def _flat(billing: Billing) -> dict[str, str]:
    fields: dict[str, str] = billing.model_dump(exclude={"address"})
    return fields | billing.address.model_dump()
