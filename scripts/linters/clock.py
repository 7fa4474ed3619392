"""The domain is told the time, it never looks."""

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from scripts.linters.rule import Finding, Rule, called, is_domain

CLOCKS = frozenset({"now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter"})


def _clock(_: PurePosixPath, text: str) -> Iterator[Finding]:
    tree = ast.parse(text)
    bare = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "time"
        for alias in node.names
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and (name := called(node))):
            continue
        owner, last = ["", *name.split(".")][-2:]
        looks = last in CLOCKS and owner in {"datetime", "date", "time"}
        if looks or (not owner and last in bare):
            yield node.lineno, f"{name}() reads the clock; take the time as an argument"


RULES = (Rule("clock", is_domain, _clock),)
