"""A change that would break a reader is told, one that would not is let through."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts import compatibility, generate
from scripts.compatibility import FOLDER, breaking_changes, breaking_files

Schema = dict[str, Any]
OLD: Schema = generate.schemas()["orders.order_paid.v1"]


def changed(change: Callable[[Schema], object]) -> list[str]:
    new = copy.deepcopy(OLD)
    change(new)
    return breaking_changes(OLD, new)


def order(schema: Schema) -> Schema:
    found: Schema = schema["$defs"]["Order"]["properties"]
    return found


BREAKING: dict[str, tuple[Callable[[Schema], object], str]] = {
    "removed": (lambda s: order(s).pop("number"), "order.number: field removed"),
    "removed optional": (lambda s: order(s).pop("warnings"), "order.warnings: field removed"),
    "new required": (
        lambda s: (order(s).update(tip={"type": "string"}), s["$defs"]["Order"]["required"].append("tip")),
        "order.tip: new field is required",
    ),
    "no longer always there": (
        lambda s: s["$defs"]["Order"]["required"].remove("state"),
        "order.state: was required, is optional",
    ),
    "now always there": (
        lambda s: s["$defs"]["Order"]["required"].append("paid_at"),
        "order.paid_at: was optional, is required",
    ),
    "type": (lambda s: order(s)["version"].update(type="string"), 'order.version: type was "integer", is "string"'),
    "format": (
        lambda s: order(s)["placed_at"].update(format="date"),
        'order.placed_at: format was "date-time", is "date"',
    ),
    "enum narrowed": (lambda s: order(s)["state"]["enum"].remove("refunded"), "order.state: enum was"),
    "enum widened": (lambda s: order(s)["state"]["enum"].append("lost"), "order.state: enum was"),
    "bound": (lambda s: order(s)["version"].update(minimum=0), "order.version: minimum was 1, is 0"),
    "null taken away": (lambda s: order(s)["paid_at"]["anyOf"].pop(), "order.paid_at: anyOf was"),
    "other default": (lambda s: order(s)["kind"].update(default="refund"), 'order.kind: default was "order"'),
    "deep inside": (
        lambda s: s["$defs"]["Item"]["properties"]["line"].update(type="string"),
        "order.items[].line: type was",
    ),
    "behind null": (lambda s: s["$defs"]["Address"]["properties"].pop("city"), "order.shipping.city: field removed"),
}


@pytest.mark.parametrize("name", BREAKING)
def test_a_breaking_change_is_named_by_its_field(name: str) -> None:
    change, sentence = BREAKING[name]
    assert any(found.startswith(sentence) for found in changed(change))


@pytest.mark.parametrize(
    "change",
    [
        lambda s: order(s).update(tip={"type": "string", "default": ""}),
        lambda s: s["$defs"]["Address"]["properties"].update(region={"type": "string", "default": ""}),
        lambda s: order(s)["number"].update(description="What the shop calls it."),
        lambda s: order(s)["state"]["enum"].reverse(),
        lambda s: s.update(title="Paid"),
        lambda s: None,
    ],
    ids=["optional field", "optional field behind null", "description", "order of enum", "title", "nothing"],
)
def test_an_additive_change_breaks_nothing(change: Callable[[Schema], object]) -> None:
    assert changed(change) == []


def test_a_model_renamed_in_python_breaks_nothing() -> None:
    renamed = json.loads(json.dumps(OLD).replace("DeviceTerms", "TermsOfDevice"))
    assert breaking_changes(OLD, renamed) == []


def test_an_event_type_that_is_gone_breaks_and_a_new_one_does_not() -> None:
    assert breaking_files({"a.b.v1": OLD}, {}) == ["a.b.v1: event type removed"]
    assert breaking_files({}, {"a.b.v1": OLD}) == []


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree that was just generated."""
    monkeypatch.setattr("scripts.event_docs.listeners", dict)
    assert generate.main([], tmp_path) == 0
    return tmp_path


def test_a_fresh_tree_passes_the_check(tree: Path) -> None:
    assert generate.main(["--check"], tree) == 0


def test_generating_refuses_what_breaks_until_told_that_nobody_has_it(tree: Path) -> None:
    path = tree / FOLDER / "orders.order_paid.v1.json"
    released = copy.deepcopy(OLD)
    order(released)["weight"] = {"type": "string"}
    path.write_text(generate.rendered(released), encoding="utf-8")
    assert generate.main(["--check"], tree) == 1
    assert generate.main([], tree) == 1
    assert "weight" in path.read_text(encoding="utf-8")
    assert generate.main(["--accept-breaking"], tree) == 0
    assert "weight" not in path.read_text(encoding="utf-8")


def test_an_additive_change_asks_to_generate(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    released = copy.deepcopy(OLD)
    order(released).pop("warnings")
    (tree / FOLDER / "orders.order_paid.v1.json").write_text(generate.rendered(released), encoding="utf-8")
    assert generate.main(["--check"], tree) == 1
    assert "run `just generate`" in capsys.readouterr().err


def test_a_release_that_cannot_be_compared_is_no_success(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compatibility.main(["no-such-tag"]) == 2
    assert "git knows no no-such-tag" in capsys.readouterr().err
    monkeypatch.setattr(compatibility, "released", lambda tag: {})
    assert compatibility.main(["v0.0.1"]) == 2


def test_a_release_whose_readers_would_break_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    now = generate.schemas()
    monkeypatch.setattr(compatibility, "read", lambda folder: now)
    monkeypatch.setattr(compatibility, "released", lambda tag: now)
    assert compatibility.main(["v0.1.0"]) == 0
    monkeypatch.setattr(compatibility, "released", lambda tag: now | {"orders.order_eaten.v1": OLD})
    assert compatibility.main(["v0.1.0"]) == 1
