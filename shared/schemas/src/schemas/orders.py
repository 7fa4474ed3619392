"""What the orders service publishes."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from schemas.event import Event, Value
from schemas.ids import product_id
from schemas.values import Address, Amount, Billing, Identity, Instant, Money, Name, Text

OrderState = Literal["open", "paid", "refunded", "cancelled"]
MOST_DEVICES = 1_000
"""Units of one line that may be devices with a card each; a line of more makes none."""
PERSONAL = ("order.billing", "order.shipping")


class DeviceTerms(Value):
    """What makes a product a device: its model, its warranty and how often it wants care."""

    model: Name
    warranty_months: int = Field(default=24, ge=0, le=600)
    service_months: int = Field(default=12, ge=1, le=600)
    service_hours: int | None = Field(default=1000, ge=1)


class Product(Value):
    """A product as the catalogue has it."""

    sku: Name
    name: Name
    price: Money
    device: DeviceTerms | None = None
    service_package: Name | None = None
    version: int = 1


class Item(Value):
    """One line of an order. ``device`` and ``service_package`` are what the catalogue said when it was accepted."""

    line: int = Field(ge=1)
    sku: Text = ""
    name: Text = ""
    quantity: Amount
    unit_price: Amount
    vat_rate: Amount | None = None
    device: DeviceTerms | None = None
    service_package: Name | None = None


class Order(Value):
    """Public state of one order; ``total`` is with VAT; a refund without reference is of kind ``refund``, below 0."""

    id: UUID
    channel_id: UUID
    external_id: Name
    number: Text
    kind: Literal["order", "refund"] = "order"
    client_id: UUID | None = None
    assigned_by: Literal["identity", "operator"] | None = None
    identity: Identity
    state: OrderState
    total: Money
    refunded: Money
    placed_at: Instant
    paid_at: Instant | None = None
    revised_at: Instant
    billing: Billing = Billing()
    shipping: Address | None = None
    items: tuple[Item, ...] = ()
    warnings: tuple[Text, ...] = ()
    version: int = Field(ge=1)

    @property
    def paid(self) -> bool:
        """Money has come, whatever was given back later."""
        return self.paid_at is not None

    @property
    def key(self) -> UUID:
        """The lane key: the client, or the billing identity while there is none."""
        return self.client_id or self.identity.id


class OrderEvent(Event):
    """Common shape: the order as it is now, and the names of the fields that changed."""

    personal: ClassVar[tuple[str, ...]] = PERSONAL
    order: Order
    changed: tuple[str, ...] = ()

    @property
    def client_id(self) -> UUID | None:
        """The client whom the event concerns; None in the lane of an identity, where orders are nobody's."""
        return self.order.client_id

    @property
    def partition_key(self) -> UUID:
        return self.order.key

    @property
    def subject_id(self) -> UUID:
        return self.order.id

    @property
    def subject_version(self) -> int:
        return self.order.version


class OrderPlaced(OrderEvent):
    """An order was seen for the first time."""

    event_type: ClassVar[str] = "orders.order_placed.v1"


class OrderChanged(OrderEvent):
    """Something about an order changed that no other event of its own names."""

    event_type: ClassVar[str] = "orders.order_changed.v1"


class OrderPaid(OrderEvent):
    """The order of a known client is paid; published once per order, when both are true. Never for refunds."""

    event_type: ClassVar[str] = "orders.order_paid.v1"


class OrderRefunded(OrderEvent):
    """More of an order was given back than before."""

    event_type: ClassVar[str] = "orders.order_refunded.v1"


class OrderCancelled(OrderEvent):
    """An order will not be fulfilled."""

    event_type: ClassVar[str] = "orders.order_cancelled.v1"


class OrderAssigned(OrderEvent):
    """An order came under another key: the greeting in the new lane (a client, or again only an identity)."""

    event_type: ClassVar[str] = "orders.order_assigned.v1"


class OrderLeft(OrderEvent):
    """An order left a key: the farewell in the old lane. ``order`` is its state as it leaves."""

    event_type: ClassVar[str] = "orders.order_left.v1"
    left: UUID

    @property
    def client_id(self) -> UUID | None:
        """Whom the order leaves; its state may name another client already."""
        return None if self.left == self.order.identity.id else self.left

    @property
    def partition_key(self) -> UUID:
        return self.left


class OrderForgotten(Event):
    """There is no such order since the owner's database was set back: a farewell in a lane it was told in."""

    event_type: ClassVar[str] = "orders.order_forgotten.v1"
    order_id: UUID
    left: UUID

    @property
    def client_id(self) -> UUID:
        """Who kept it, if the key was that of a client."""
        return self.left

    @property
    def partition_key(self) -> UUID:
        return self.left

    @property
    def subject_id(self) -> UUID:
        return self.order_id


class ProductChanged(Event):
    """A product was put into the catalogue or changed there."""

    event_type: ClassVar[str] = "orders.product_changed.v1"
    product: Product

    @property
    def partition_key(self) -> UUID:
        return product_id(self.product.sku)

    @property
    def subject_id(self) -> UUID:
        return product_id(self.product.sku)

    @property
    def subject_version(self) -> int:
        return self.product.version


class OpportunityItem(Value):
    """A product offered in an opportunity."""

    sku: Name
    name: Text = ""
    quantity: Amount
    unit_price: Money | None = None


class Opportunity(Value):
    """A possible sale; the first stage is called "Kvalifikace"."""

    id: UUID
    client_id: UUID
    stage: Name
    name: Text
    value: Money | None = None
    items: tuple[OpportunityItem, ...] = ()
    version: int = Field(ge=1)


class OpportunityOpened(Event):
    """An opportunity was opened, by a person or at a rule's request."""

    event_type: ClassVar[str] = "orders.opportunity_opened.v1"
    opportunity: Opportunity
    request_id: UUID | None = None

    @property
    def partition_key(self) -> UUID:
        return self.opportunity.client_id

    @property
    def subject_id(self) -> UUID:
        return self.opportunity.id

    @property
    def subject_version(self) -> int:
        return self.opportunity.version


ORDER_EVENTS: tuple[type[OrderEvent], ...] = (
    OrderPlaced, OrderChanged, OrderPaid, OrderRefunded, OrderCancelled, OrderAssigned, OrderLeft,
)  # fmt: skip
"""Everything that is said of orders: who keeps a copy of them hears all of it."""

EVENTS: tuple[type[Event], ...] = (*ORDER_EVENTS, OrderForgotten, ProductChanged, OpportunityOpened)
