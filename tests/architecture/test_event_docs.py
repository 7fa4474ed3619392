"""The page of events says who listens, and never guesses."""

import sys
from pathlib import Path

import pytest

from schemas.catalogue import EVENTS
from scripts import event_docs


def test_who_listens_is_named_with_the_handler() -> None:
    page = event_docs.page({"loyalty": {"orders.order_paid.v1": ["award_points"]}})
    row = next(line for line in page.splitlines() if line.startswith("| `orders.order_paid.v1`"))
    assert row.endswith("| loyalty (`award_points`) |")
    assert "    orders -- 1 type --> loyalty" in page


def test_what_nobody_hears_is_said_so() -> None:
    assert event_docs.page({}).count("*nobody yet*") == len(EVENTS)


def test_a_service_that_cannot_be_imported_stops_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "brokenservice"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "app.py").write_text("import brokenservice.nowhere", encoding="utf-8")
    monkeypatch.setattr(event_docs, "OWNERS", ("brokenservice",))
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        with pytest.raises(SystemExit, match=r"brokenservice\.app cannot be imported"):
            event_docs.listeners()
    finally:
        sys.modules.pop("brokenservice", None)
