"""Nothing is caught unnamed."""

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from scripts.linters.rule import Finding, Rule, is_python


def _bare_except(_: PurePosixPath, text: str) -> Iterator[Finding]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield node.lineno, "a bare except catches what nobody meant; name the exception"


RULES = (Rule("bare-except", is_python, _bare_except),)
