"""Sheets are written in one place, where no cell becomes a formula."""

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from scripts.linters.rule import Finding, Rule, called, imported, is_python, is_test

WRITERS = frozenset({"csv.writer", "csv.DictWriter", "writer", "DictWriter"})
WORKBOOKS = frozenset({"openpyxl", "xlsxwriter", "xlwt", "pandas", "pyexcel"})
HOME = PurePosixPath("deploy/local/src/klientela/sheet.py")
SAID = "sheets are written by klientela.sheet, where no cell is a formula"


def _written_elsewhere(_: PurePosixPath, text: str) -> Iterator[Finding]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and called(node) in WRITERS:
            yield node.lineno, SAID
        if WORKBOOKS & {name.partition(".")[0] for name in imported(node)}:
            yield node.lineno, SAID  # type: ignore[attr-defined]


def _may_write(path: PurePosixPath) -> bool:
    return is_python(path) and not is_test(path) and path != HOME


RULES = (Rule("sheet-outside", _may_write, _written_elsewhere),)
