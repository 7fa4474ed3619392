"""The SQL of automation, by noun; what batches lock comes in the order of ``handlers.service.states``."""

from automation.store.checks import CHECKS, COPIES
from automation.store.facts import Clients, find_facts
from automation.store.rules import Book, Rules, count_rules, get_rule, list_rules, list_versions, lock_progress
from automation.store.runs import Traces, count_runs, list_runs

clients = Clients()
book = Book()
traces = Traces()
rules = Rules()

__all__ = [
    "CHECKS", "COPIES", "book", "clients", "count_rules", "count_runs", "find_facts", "get_rule", "list_rules",
    "list_runs", "list_versions", "lock_progress", "rules", "traces",
]  # fmt: skip
