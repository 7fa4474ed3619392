"""A count counts for the chassis that was struck and for what struck it: both are known by what their code does."""

import ast
from collections.abc import Callable
from pathlib import Path
from shutil import copy, copytree

import pytest

from klientela.layout import PROJECT
from tests.faults import digests
from tests.faults.digests import chassis_digest, shape, strike_digest
from tests.faults.rows import ROWS

Change = Callable[[str, str], set[str]]


@pytest.fixture
def change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Change:
    """Add code to a module in a copy of the tests; return the rows that thereby have other names."""
    monkeypatch.setattr(digests, "PROJECT", tmp_path)
    copytree(PROJECT / "tests/faults", tmp_path / "tests/faults")
    for name in ("rig", "shop"):
        copy(PROJECT / f"tests/{name}.py", tmp_path / "tests")

    def changed(module: str, code: str) -> set[str]:
        before = {name: strike_digest(name) for name in ROWS}
        with (tmp_path / f"tests/{module}.py").open("a") as file:
            file.write(code)
        return {name for name in ROWS if strike_digest(name) != before[name]}

    return changed


def test_a_strike_is_known_by_all_that_strikes(change: Change) -> None:
    """By what its module imports, too, and by what it starts as a process; the load is everybody's."""
    assert {"rewind-owner", "rewind-silent"} <= change("faults/merchant", "\nx = 1\n") < set(ROWS) - {"kill-kafka"}
    assert "log" in change("faults/writer", "\nx = 1\n")
    assert {"roll-out", "rebuild"} <= change("faults/next_release", "\nx = 1\n") < set(ROWS)
    assert {"lose-kafka", "topics-anew"} <= change("faults/rows/topics", "\nx = 1\n") < set(ROWS) - {"kill-kafka"}
    for module in ("faults/load", "faults/producer", "faults/row", "faults/stage", "rig", "shop"):
        assert change(module, "\nx = 1\n") == set(ROWS), module


def test_remarks_and_other_judges_begin_nothing_anew(change: Change) -> None:
    for module in ("faults/load", "faults/merchant", "rig"):
        assert change(module, '\n\n# a remark\n"""Says more."""\n') == set(), module
    for module in ("faults/judge", "faults/journals", "faults/inputs", "faults/book", "faults/digests"):
        assert change(module, "\nx = 1\n") == set(), module


def test_a_row_that_is_no_more_has_no_name() -> None:
    assert strike_digest("of earlier") == ""


def test_the_chassis_is_known_by_what_its_code_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "CHASSIS", tmp_path)
    code = tmp_path / "a.py"
    code.write_text('"""Says."""\nx = 1\n')
    before = chassis_digest()
    code.write_text('"""Says more."""\nx = 1  # a remark\n')
    assert chassis_digest() == before
    code.write_text(ast.unparse(ast.parse("x = 2")))
    assert chassis_digest() != before


def test_a_chassis_has_one_name_in_every_python() -> None:
    """A field that another Python has (functions got `type_params` with PEP 695), or not, is nothing if empty."""
    later = type("Pass", (ast.Pass,), {"_fields": ("came_later",), "came_later": []})
    assert shape(later()) == shape(ast.Pass())
    assert shape(ast.parse("x = 0")) != shape(ast.parse("x = None"))
