"""Where loyalty keeps its state: the states of the decisions, what the API reads, and what ``verify`` proves."""

from loyalty.store.account import (
    accounts,
    count_accounts,
    count_entries,
    find_account,
    list_accounts,
    list_entries,
    ungraded,
)  # fmt: skip
from loyalty.store.checks import CHECKS, COPIES
from loyalty.store.programme import (
    count_programmes,
    list_programmes,
    programmes,
    put_in_first_programme,
    read_programmes,
)

__all__ = [
    "CHECKS", "COPIES", "accounts", "count_accounts", "count_entries", "count_programmes", "find_account",
    "list_accounts", "list_entries", "list_programmes", "programmes", "put_in_first_programme",
    "read_programmes", "ungraded",
]  # fmt: skip
