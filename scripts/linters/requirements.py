"""What is promised of security is held by something: each row of its table names a test, a twin, a rule or a fault."""

import re
from collections.abc import Callable, Collection, Iterator
from functools import cache
from pathlib import Path, PurePosixPath

from scripts.linters.rule import Finding, Rule

NAME = re.compile(r"`([^`]+)`")
TEST = re.compile(r"^\s*(?:async )?def (test_\w+)", re.MULTILINE)
FAULT = re.compile(r"\bRow\(\s*\"([\w-]+)\"")
SEPARATOR = re.compile(r"\|[\s:|-]+\|")

Holds = Callable[[str], bool]
"""Tells whether the tree has a file, a test, a twin, a rule or a fault of a name."""


def _promises(text: str) -> Iterator[tuple[int, str]]:
    """Yield the last cell of each row of a table whose last column is headed "test", with its line."""
    inside = False
    for number, line in enumerate(text.splitlines(), start=1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            inside = False
        elif cells[-1] == "test":
            inside = True
        elif inside and not SEPARATOR.fullmatch(line.strip()):
            yield number, cells[-1]


def _unchecked(holds: Holds) -> Callable[[PurePosixPath, str], Iterator[Finding]]:
    def check(_: PurePosixPath, text: str) -> Iterator[Finding]:
        promises = list(_promises(text))
        if not promises:
            yield 1, 'no table with a column "test" that names what holds each promise'
        for number, cell in promises:
            names = NAME.findall(cell)
            if not names:
                yield number, "the promise names nothing that holds it"
            for name in names:
                if not holds(name):
                    yield number, f"{name}, named as what holds the promise, is not there"

    return check


def _is_security(path: PurePosixPath) -> bool:
    return str(path) == "docs/security.md"


def rules(holds: Holds) -> tuple[Rule, ...]:
    """Return the rule about what is promised, for a tree that can say what it has."""
    return (Rule("unchecked-requirement", _is_security, _unchecked(holds)),)


def held_below(root: Path, rule_names: Collection[str]) -> Holds:
    """Return the answer of a real tree; it is read when first asked."""

    @cache
    def names() -> frozenset[str]:
        tests = [path for top in ("tests", "shared", "services", "deploy") for path in (root / top).rglob("test_*.py")]
        faults = (root / "tests/faults/rows").glob("*.py")
        twins = (root / "tests/twins").glob("*.patch")
        return frozenset((
            *rule_names, *(twin.stem for twin in twins), *(path.name for path in tests),
            *(name for path in tests for name in TEST.findall(path.read_text(encoding="utf-8"))),
            *(name for path in faults for name in FAULT.findall(path.read_text(encoding="utf-8"))),
        ))  # fmt: skip

    return lambda name: name in names() or (root / name).is_file()
