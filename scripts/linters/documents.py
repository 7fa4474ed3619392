"""Documents keep their word: links lead somewhere, decisions name their check, the changelog has a top."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from posixpath import normpath

from scripts.linters.rule import Finding, Rule

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^ {0,3}```.*?^ {0,3}```[ \t]*$", re.MULTILINE | re.DOTALL)
CHECK = re.compile(r"^## Check\s*$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)

Exists = Callable[[str], bool]
"""Tells whether the tree has a file or folder, by its path from the root."""


def anchor(heading: str) -> str:
    """Return the anchor that Markdown readers give a heading.

    >>> anchor("Add an event: how?")
    'add-an-event-how'
    """
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def _blanked(text: str) -> str:
    """Return the text with code fences emptied, its lines still counting the same."""
    return FENCE.sub(lambda found: "\n" * found.group().count("\n"), text)


def _is_markdown(path: PurePosixPath) -> bool:
    return path.suffix == ".md"


def _is_decision(path: PurePosixPath) -> bool:
    return path.parts[:2] == ("docs", "adr") and re.match(r"\d{4}-", path.name) is not None


def _is_changelog(path: PurePosixPath) -> bool:
    return str(path) == "CHANGELOG.md"


def _dead_link(exists: Exists) -> Callable[[PurePosixPath, str], Iterator[Finding]]:
    def check(path: PurePosixPath, text: str) -> Iterator[Finding]:
        prose = _blanked(text)
        own = {anchor(line.lstrip("#")) for line in prose.splitlines() if line.startswith("#")}
        for number, line in enumerate(prose.splitlines(), start=1):
            for target in LINK.findall(line):
                file, _, fragment = target.partition("#")
                if re.match(r"[a-z]+:", target):
                    continue
                if file and not exists(normpath(str(path.parent / file))):
                    yield number, f"{file} is not there"
                elif not file and fragment not in own:
                    yield number, f"no heading makes the anchor #{fragment}"

    return check


def _unchecked_decision(exists: Exists) -> Callable[[PurePosixPath, str], Iterator[Finding]]:
    def check(_: PurePosixPath, text: str) -> Iterator[Finding]:
        section = CHECK.search(text)
        if section is None:
            yield 1, 'no section "Check" that names what enforces the decision'
            return
        named = [name.split("::")[0] for name in re.findall(r"`([\w./:-]+\.\w+(?:::\w+)?|\.importlinter)`", section[1])]
        if not named:
            yield 1, "the section Check names no file"
        for name in named:
            if not exists(name):
                yield 1, f"{name}, named as the check, is not there"

    return check


def _unreleased(_: PurePosixPath, text: str) -> Iterator[Finding]:
    first = next((line for line in text.splitlines() if line.startswith("## ")), "")
    if "unreleased" not in first.lower():
        yield 1, "the first section is not Unreleased"


def rules(exists: Exists) -> tuple[Rule, ...]:
    """Return the rules about documents, for a tree that can say what it has."""
    return (
        Rule("dead-link", _is_markdown, _dead_link(exists)),
        Rule("unchecked-decision", _is_decision, _unchecked_decision(exists)),
        Rule("unreleased", _is_changelog, _unreleased),
    )


def exists_below(root: Path) -> Exists:
    """Return the answer of a real tree."""
    return lambda name: (root / name).exists()
