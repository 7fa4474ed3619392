"""What is kept here of a client's card: whom to bill."""

from dataclasses import dataclass
from uuid import UUID

from schemas.clients import Client
from schemas.values import Address, Billing


@dataclass(slots=True)
class Card:
    """The copy of one client's card; ``billing`` is missing until the client was heard of."""

    id: UUID
    billing: Billing | None = None
    version: int = 0
    changed: bool = False

    def keep(self, client: Client) -> None:
        """Take over the card unless a newer one is known."""
        if client.version > self.version:
            self.billing, self.version, self.changed = billing_of(client), client.version, True


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
    """Put a card over billing data where the card says something; return it and (old, new) of each field replaced.

    An address is replaced whole: half of one and half of another is nobody's.
    """
    said = {name: value for name, value in card.model_dump(exclude={"address"}).items() if value}
    address = card.address if card.address != Address() else billing.address
    new = billing.model_copy(update={**said, "address": address})
    old_fields, new_fields = _flat(billing), _flat(new)
    return new, {name: (old, new_fields[name]) for name, old in old_fields.items() if old and old != new_fields[name]}


def _flat(billing: Billing) -> dict[str, str]:
    fields: dict[str, str] = billing.model_dump(exclude={"address"})
    return fields | billing.address.model_dump()
