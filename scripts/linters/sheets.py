"""Sheets are written in one place, where no cell becomes a formula."""

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from scripts.linters.rule import Finding, Rule, called, is_python, is_test

WRITERS = frozenset({"csv.writer", "csv.DictWriter", "writer", "DictWriter"})
WORKBOOKS = frozenset({"openpyxl", "xlsxwriter", "xlwt", "pandas", "pyexcel"})
HOME = PurePosixPath("deploy/local/src/klientela/sheet.py")
SAID = "sheets are written by klientela.sheet, where no cell is a formula"


def _written_elsewhere(_: PurePosixPath, text: str) -> Iterator[Finding]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and called(node) in WRITERS:
            yield node.lineno, SAID
        if isinstance(node, ast.Import) and any(_is_workbook(alias.name) for alias in node.names):
            yield node.lineno, SAID
        if isinstance(node, ast.ImportFrom) and _is_workbook(node.module or ""):
            yield node.lineno, SAID


def _is_workbook(module: str) -> bool:
    return module.partition(".")[0] in WORKBOOKS


def _may_write(path: PurePosixPath) -> bool:
    return is_python(path) and not is_test(path) and path != HOME


RULES = (Rule("sheet-outside", _may_write, _written_elsewhere),)
