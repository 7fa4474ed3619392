"""Tests wait for signals, they never sleep."""

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from scripts.linters.rule import Finding, Rule, called, is_test


def _sleep(_: PurePosixPath, text: str) -> Iterator[Finding]:
    for node in ast.walk(ast.parse(text)):
        if not (isinstance(node, ast.Call) and called(node).rpartition(".")[2] == "sleep"):
            continue
        yields = len(node.args) == 1 and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0
        if not yields:
            yield node.lineno, "a test sleeps; wait for a signal with a deadline"


RULES = (Rule("sleep", is_test, _sleep),)
