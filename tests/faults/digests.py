"""Names what a count is a count of, by what the code does: the chassis that is struck, and what strikes it."""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from klientela.layout import PROJECT
from tests.faults.rows import WHERE

CHASSIS = PROJECT / "shared/chassis/src/chassis"
LOAD = "tests.faults.load"
"""Whatever strikes, strikes under this."""
JUDGES = frozenset(f"tests.faults.{name}" for name in ("judge", "journals", "inputs"))
"""They strike at nothing: they keep what was said, and look at what came of it. Another judge begins nothing anew."""


def chassis_digest() -> str:
    """Name the chassis."""
    return digest(CHASSIS, [*sorted(CHASSIS.rglob("*.py")), *sorted(CHASSIS.rglob("*.sql"))])


def strike_digest(row: str) -> str:
    """Name what strikes in a row: its module, the load under which it does, and what of the tests these make use of.

    A row that is no more has no name.
    """
    return digest(PROJECT, strikers(f"tests.faults.rows.{WHERE[row]}", LOAD)) if row in WHERE else ""


def strikers(*modules: str) -> list[Path]:
    """Return the files of modules and of all that they name, directly or not, which are tests and do not judge."""
    waiting, found = list(modules), dict[str, Path]()
    while waiting:
        name = waiting.pop()
        path = PROJECT / f"{name.replace('.', '/')}.py"
        if name not in found and name not in JUDGES and path.is_file():
            found[name] = path
            waiting += named_in(path.read_text())
    return sorted(found.values())


@cache
def named_in(code: str) -> frozenset[str]:
    """Return the names in code that may be those of modules of the tests: imported, or of a process that is started."""
    return frozenset(name for node in ast.walk(ast.parse(code)) for name in _names(node) if name.startswith("tests."))


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.ImportFrom):
        yield str(node.module)
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.alias):
        yield node.name
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def digest(folder: Path, files: Iterable[Path]) -> str:
    """Name files of a folder: comments, layout and docstrings of Python count for nothing."""
    known = hashlib.sha256()
    for path in files:
        known.update(path.relative_to(folder).as_posix().encode())
        known.update(without_prose(path.read_text()).encode() if path.suffix == ".py" else path.read_bytes())
    return known.hexdigest()[:12]


@cache
def without_prose(code: str) -> str:
    """Write down what code does."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [each for each in node.body if not is_prose(each)]
    return shape(tree)


def shape(node: object) -> str:
    """Write a piece of code down by what it holds; fields that are empty, which not every Python has, do not count."""
    if isinstance(node, ast.AST):
        held = [f"{name}={shape(value)}" for name, value in ast.iter_fields(node) if value is not None and value != []]
        return f"{type(node).__name__}({','.join(held)})"
    return f"[{','.join(map(shape, node))}]" if isinstance(node, list) else repr(node)


def is_prose(node: ast.stmt) -> bool:
    """Tell whether a statement is a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
