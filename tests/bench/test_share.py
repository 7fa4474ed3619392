"""A row that takes long may be tried at a share of its size, and then says so; the examples of the bench are true."""

import doctest
import importlib
import pkgutil

import pytest

import bench
from bench import share
from bench.rows import MODULES, ROWS


@pytest.mark.parametrize("text", ["0", "1.5", "-1", "much", "nan"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(SystemExit, match="BENCH_SHARE"):
        share.share_of(text)


def test_a_share_is_a_whole_number_of_parts_and_never_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(share, "SHARE", 0.001)
    assert [share.scaled(1_000_000, 48), share.scaled(60, 2), share.scaled(5)] == [1_008, 2, 1]


def test_a_figure_of_a_share_is_told_from_one_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(share, "SHARE", 1.0)
    assert share.unit("orders/s") == "orders/s"
    monkeypatch.setattr(share, "SHARE", 0.01)
    assert share.unit("orders/s") == "orders/s at 1.0% of the size"


def test_no_row_hides_another_of_its_name() -> None:
    assert len(ROWS) == sum(len(module.ROWS) for module in MODULES)


@pytest.mark.parametrize("name", [each.name for each in pkgutil.walk_packages(bench.__path__, "bench.")])
def test_examples_in_docstrings_are_true(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
