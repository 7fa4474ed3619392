"""Possible sales that rules ask for."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from schemas.automation import OpportunityRequested
from schemas.event import Value
from schemas.orders import Opportunity, OpportunityItem, OpportunityOpened, Product
from schemas.values import Money


class Reason(Value):
    """Why an opportunity was opened: the request at its place in the log, and the rule behind it."""

    event_id: UUID
    type: str
    source: str
    lane: int
    sequence: int
    rule_id: UUID
    rule_version: int


@dataclass(slots=True)
class Lead:
    """The place of one opportunity, empty until it is opened."""

    id: UUID
    opportunity: Opportunity | None = None
    reason: Reason | None = None
    changed: bool = False

    def open(
        self, requested: OpportunityRequested, product: Product | None, reason: Reason
    ) -> Iterator[OpportunityOpened]:
        """Offer what was asked for at the catalogue's price; a product nobody knows has no value."""
        if self.opportunity is not None:
            return
        self.opportunity = Opportunity(
            id=self.id,
            client_id=requested.client_id,
            stage=requested.stage,
            name=requested.name or (product.name if product else ""),
            value=_worth(product, requested) if product else None,
            items=_offered(product, requested),
            version=1,
        )
        self.reason, self.changed = reason, True
        yield OpportunityOpened(opportunity=self.opportunity, request_id=requested.request_id)


def _worth(product: Product, requested: OpportunityRequested) -> Money:
    return Money(amount=product.price.amount * requested.quantity, currency=product.price.currency)


def _offered(product: Product | None, requested: OpportunityRequested) -> tuple[OpportunityItem, ...]:
    if requested.sku is None:
        return ()
    return (
        OpportunityItem(
            sku=requested.sku,
            name=product.name if product else "",
            quantity=requested.quantity,
            unit_price=product.price if product else None,
        ),
    )
