"""Names what a count is a count of, by what the code does: the chassis that is struck, and what strikes it."""

import ast
import hashlib
from collections.abc import Iterable
from pathlib import Path

from tests.faults.rows import WHERE

FAULTS = Path(__file__).parent
CHASSIS = FAULTS.parents[1] / "shared/chassis/src/chassis"
LOAD = ("load.py", "operators.py", "producer.py")
"""Whatever strikes, strikes under this."""


def chassis_digest() -> str:
    """Name the chassis."""
    return digest(CHASSIS, [*sorted(CHASSIS.rglob("*.py")), *sorted(CHASSIS.rglob("*.sql"))])


def strike_digest(row: str) -> str:
    """Name what strikes in a row: its module, and the load under which it does. A row that is no more has no name."""
    return digest(FAULTS, [FAULTS / name for name in (*LOAD, f"rows/{WHERE[row]}.py")]) if row in WHERE else ""


def digest(folder: Path, files: Iterable[Path]) -> str:
    """Name files of a folder: comments, layout and docstrings of Python count for nothing."""
    known = hashlib.sha256()
    for path in files:
        known.update(path.relative_to(folder).as_posix().encode())
        known.update(without_prose(path.read_text()).encode() if path.suffix == ".py" else path.read_bytes())
    return known.hexdigest()[:12]


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
