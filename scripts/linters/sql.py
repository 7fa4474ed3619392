"""SQL stands in the store and is never put together from pieces."""

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from scripts.linters.rule import Finding, Rule, called, is_python, is_test

RUNS = frozenset({
    "execute", "executemany", "fetch", "fetchrow", "fetchval", "fetchmany", "prepare", "cursor", "copy_from_query",
    "text",
})  # fmt: skip
STATEMENT = re.compile(
    r"\s*(select\s.+\sfrom\s|insert\s+into\s|update\s+\S+\s+(as\s+\w+\s+)?set\s|delete\s+from\s|with\s+(recursive\s+)?\w+\s+as\s*\(|"
    r"(create|alter|drop)\s+(table|index|schema|type|database|role)\s|truncate\s+\w)",
    re.IGNORECASE | re.DOTALL,
)
"""What a text begins with that is SQL and not a sentence."""

SESSION = re.compile(
    r"^\s*(set\s+(?!local\s|transaction\s)\w+\s*(=|\sto\s)|listen\s+\w+\s*$|create\s+temp|declare\s.+with\s+hold)"
    r"|pg_(try_)?advisory_lock(_shared)?\(|set_config\([^()]+,\s*false\)",
    re.IGNORECASE | re.DOTALL,
)
"""What a statement says that outlives its transaction."""

Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef


def _built(node: ast.AST | None) -> bool:
    """Tell whether a text is made at run time: f-string, ``%``, ``+`` or ``.format``; a CONSTANT may be put in."""
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) and not _constant(part.value) for part in node.values)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Add | ast.Mod)
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format"


def _constant(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id.isupper()


def _own(scope: Scope) -> Iterator[ast.AST]:
    """Walk a scope without the functions inside it, which are scopes of their own."""
    waiting: list[ast.AST] = list(scope.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting.extend(ast.iter_child_nodes(node))


def _sql_built(_: PurePosixPath, text: str) -> Iterator[Finding]:
    tree = ast.parse(text)
    inner = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    for scope in (tree, *inner):
        nodes = list(_own(scope))
        names = {
            target.id
            for node in nodes
            if isinstance(node, ast.Assign) and _built(node.value)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in nodes:
            if not (isinstance(node, ast.Call) and node.args and called(node).rpartition(".")[2] in RUNS):
                continue
            first = node.args[0]
            if _built(first) or (isinstance(first, ast.Name) and first.id in names):
                yield node.lineno, "SQL is put together from pieces; pass values as parameters"


def _sql_outside(_: PurePosixPath, text: str) -> Iterator[Finding]:
    for line, said in _texts(text):
        if STATEMENT.match(said):
            yield line, "SQL outside store and migrations"


def _session_changed(_: PurePosixPath, text: str) -> Iterator[Finding]:
    for line, said in _texts(text):
        if SESSION.search(said):
            yield line, "a pool's connections are not reset: what outlives the transaction needs one of its own"


def _texts(text: str) -> Iterator[tuple[int, str]]:
    """Return the texts of a module that are no prose, each with its line."""
    tree = ast.parse(text)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.lineno, node.value


def _in_a_service(path: PurePosixPath) -> bool:
    return is_python(path) and not is_test(path) and path.parts[0] in {"services", "shared"}


def _no_home_of_sql(path: PurePosixPath) -> bool:
    """Services' source but for their stores and migrations; scripts."""
    if not is_python(path) or is_test(path) or path.parts[0] not in {"services", "scripts"}:
        return False
    return path.name != "store.py" and not {"store", "migrations"} & set(path.parts)


RULES = (
    Rule("sql-built", is_python, _sql_built),
    Rule("sql-outside", _no_home_of_sql, _sql_outside),
    Rule("session-changed", _in_a_service, _session_changed),
)
