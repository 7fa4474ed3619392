"""No file over 250 lines, no function over 40."""

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from scripts.linters.rule import Finding, Rule, is_python

FILE = 250
FUNCTION = 40


def _long_file(_: PurePosixPath, text: str) -> Iterator[Finding]:
    lines = len(text.splitlines())
    if lines > FILE:
        yield 1, f"{lines} lines, at most {FILE}: split it by noun"


def _long_function(_: PurePosixPath, text: str) -> Iterator[Finding]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION:
                yield node.lineno, f"{node.name} has {lines} lines, at most {FUNCTION}"


RULES = (Rule("long-file", is_python, _long_file), Rule("long-function", is_python, _long_function))
