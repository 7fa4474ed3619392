"""Ids that any service can derive by itself: the same input, the same id, for ever (RFC 9562, version 5)."""

from uuid import UUID, uuid5

NAMESPACE = UUID("5d0b6b0e-6f0c-5d5c-9d3f-2f0a53c1e7a1")
"""Root of all derived ids of Klientela; never changes."""


def derive(*parts: object) -> UUID:
    """Return the version 5 UUID of the parts, joined so that no two lists of parts collide.

    >>> derive("order", "a", "b") == derive("order", "a", "b")
    True
    >>> derive("order", "a|b") == derive("order", "a", "b")
    False
    """
    return uuid5(NAMESPACE, "|".join(str(part).replace("\\", "\\\\").replace("|", "\\|") for part in parts))


def order_id(channel_id: UUID, external_id: str) -> UUID:
    """Id of the order that a channel calls ``external_id``."""
    return derive("order", channel_id, external_id)


def product_id(sku: str) -> UUID:
    """Id of a product, known by its SKU."""
    return derive("product", sku)


def device_id(order: UUID, line: int, unit: int) -> UUID:
    """Id of the n-th unit sold on a line of an order, both counted from 1."""
    return derive("device", order, line, unit)


def request_id(rule: UUID, action: str, event: UUID, subject: UUID, attempt: int = 0) -> UUID:
    """Id of what a rule asks for once per event and subject; only an operator raises ``attempt``."""
    return derive("request", rule, action, event, subject, attempt)
