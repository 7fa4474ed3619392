"""What loyalty knows and decides, without a clock or a database."""

from loyalty.domain.account import MOST_POINTS, Account, Entry, OrderCopy, Why
from loyalty.domain.programme import FIRST_PROGRAMME, REGRADE, Programmes, Terms, TiersOutOfOrder, points_of, tier_of

__all__ = [
    "FIRST_PROGRAMME", "MOST_POINTS", "REGRADE", "Account", "Entry", "OrderCopy", "Programmes", "Terms",
    "TiersOutOfOrder", "Why", "points_of", "tier_of",
]  # fmt: skip
