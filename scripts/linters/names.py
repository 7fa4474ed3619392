"""No module whose name says nothing."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from scripts.linters.rule import Finding, Rule, is_python

EMPTY = frozenset({"util", "utils", "common", "helper", "helpers", "manager", "managers", "base", "misc", "shared"})


def _module_name(path: PurePosixPath, _: str) -> Iterator[Finding]:
    inside = path.parts[path.parts.index("src") + 1 :] if "src" in path.parts else path.parts[-1:]
    for part in inside:
        name = part.removesuffix(".py")
        if name in EMPTY:
            yield 1, f"a module called {name} says nothing of what is in it"


RULES = (Rule("module-name", is_python, _module_name),)
