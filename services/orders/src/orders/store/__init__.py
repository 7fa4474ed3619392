"""What is kept, and how it is found: the states that decisions are folded over, readers for the API, checks."""

from orders.store.channels import (
    add_channel,
    change_channel,
    channels_by_token,
    count_channels,
    find_channel,
    list_channels,
    lock_channel,
)
from orders.store.checks import CHECKS, COPIES
from orders.store.copies import cards, links
from orders.store.opportunities import list_opportunities, opportunities
from orders.store.orders import orders, portfolios
from orders.store.orders_read import find_order, list_orders, list_told
from orders.store.products import catalogues, count_products, find_product, list_products, shelves

__all__ = [
    "CHECKS", "COPIES", "add_channel", "cards", "catalogues", "change_channel", "channels_by_token", "count_channels",
    "count_products", "find_channel", "find_order", "find_product", "links", "list_channels", "list_opportunities",
    "list_orders", "list_products", "list_told", "lock_channel", "opportunities", "orders", "portfolios", "shelves",
]  # fmt: skip
