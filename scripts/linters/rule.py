"""What a rule is: where it looks, and what it finds there."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

Finding = tuple[int, str]
"""A line, counted from 1, and a sentence."""


class Rule(NamedTuple):
    """A named check of one file's text; ``# lint-skip: name reason`` on the line at fault lets it pass."""

    name: str
    applies: Callable[[PurePosixPath], bool]
    check: Callable[[PurePosixPath, str], Iterator[Finding]]

    def findings(self, path: PurePosixPath, text: str) -> list[Finding]:
        """Return what is wrong in a file, leaving out the lines that say why they may."""
        if not self.applies(path):
            return []
        lines = text.splitlines()
        return [found for found in self.check(path, text) if not self._skipped(lines, found[0])]

    def _skipped(self, lines: list[str], line: int) -> bool:
        text = lines[line - 1] if 0 < line <= len(lines) else ""
        return re.search(rf"# lint-skip: {re.escape(self.name)}\s+\S", text) is not None


def is_python(path: PurePosixPath) -> bool:
    """Python source."""
    return path.suffix == ".py"


def is_test(path: PurePosixPath) -> bool:
    """Python source of the tests."""
    return is_python(path) and "tests" in path.parts


def is_domain(path: PurePosixPath) -> bool:
    """The pure part of a service."""
    return is_python(path) and path.parts[:1] == ("services",) and (path.name == "domain.py" or "domain" in path.parts)


def called(node: ast.AST) -> str:
    """Return the dotted name that a call calls, as it is written; nothing if it is not that simple.

    >>> called(ast.parse("datetime.datetime.now()").body[0].value)
    'datetime.datetime.now'
    """
    if not isinstance(node, ast.Call):
        return ""
    parts: list[str] = []
    target = node.func
    while isinstance(target, ast.Attribute):
        parts.append(target.attr)
        target = target.value
    parts.append(target.id if isinstance(target, ast.Name) else "")
    return ".".join(reversed(parts))


def imported(node: ast.AST) -> list[str]:
    """Return the modules that a statement imports, and those it may mean by the names it takes from one."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []
