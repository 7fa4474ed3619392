"""The tree keeps the rules of the house."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path
from types import ModuleType

import pytest

import schemas
from schemas.catalogue import OWNERS
from scripts import compatibility, generate, notices
from scripts.linters import documents, egress, layout, rule
from scripts.linters.__main__ import ROOT, all_rules, violations


@pytest.mark.parametrize("name", [each.name for each in all_rules(ROOT)])
def test_no_file_breaks_the_rule(name: str) -> None:
    found = violations(ROOT, tuple(each for each in all_rules(ROOT) if each.name == name))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("library", egress.NAMED)
def test_who_may_import_what_no_other_may_is_there_and_does(library: str) -> None:
    for file in egress.NAMED[library].split():
        text = (ROOT / egress.HOME / f"{file}.py").read_text()
        assert re.search(rf"^\s*(import|from) {re.escape(library)}\b", text, re.MULTILINE), file


@pytest.mark.parametrize("service", OWNERS)
def test_a_service_has_the_files_that_every_service_has(service: str) -> None:
    assert layout.missing(service, lambda name: (ROOT / name).exists()) == []


def test_every_folder_of_services_is_an_owner_of_events() -> None:
    folders = {path.parent.name for path in (ROOT / "services").glob("*/pyproject.toml")}
    assert folders == set(OWNERS)


def test_every_service_has_somebody_who_answers_for_it() -> None:
    assert layout.unowned(OWNERS, (ROOT / "CODEOWNERS").read_text(encoding="utf-8")) == []


def test_there_is_a_changelog() -> None:
    assert (ROOT / "CHANGELOG.md").is_file()


def test_every_decision_is_in_the_index() -> None:
    index = (ROOT / "docs/adr/index.md").read_text(encoding="utf-8")
    decisions = sorted((ROOT / "docs/adr").glob("[0-9]*.md"))
    assert [path.name for path in decisions if f"({path.name})" not in index] == []


def test_generated_files_are_up_to_date() -> None:
    assert [path.relative_to(ROOT).as_posix() for path in generate.stale(generate.outputs(ROOT))] == []


def modules_with_examples() -> list[str]:
    names = [each.name for each in pkgutil.walk_packages(schemas.__path__, "schemas.")]
    names += [module.__name__ for module in (compatibility, notices, rule, documents, layout)]
    names += ["tests.faults.book", "tests.faults.__main__"]
    for path in sorted(ROOT.glob("services/*/src/*/domain*")):
        package = path.parent.name
        inside = path.rglob("*.py") if path.is_dir() else [path]
        names += [".".join((package, *each.relative_to(path.parent).with_suffix("").parts)) for each in inside]
    return [name.removesuffix(".__init__") for name in names if "__pycache__" not in name]


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_in_docstrings_are_true(name: str) -> None:
    module: ModuleType = importlib.import_module(name)
    assert doctest.testmod(module).failed == 0


def test_a_wrong_example_is_noticed() -> None:
    module = ModuleType("wrong", ">>> 1 + 1\n3\n")
    assert doctest.testmod(module, report=False, verbose=False).failed == 1


def test_the_architecture_tests_are_where_contributing_says() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = [part for part in text.split("`") if part.startswith(("tests/", "scripts/")) and "<" not in part]
    assert named
    assert [name for name in named if not Path(ROOT / name.split("::")[0]).exists()] == []


def test_every_locked_package_is_among_the_third_parties() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    text = (ROOT / "THIRD-PARTY.md").read_text(encoding="utf-8")
    rows = [f"| {name} | {version} |" for name, version in notices.locked(lock).items()]
    assert [row for row in rows if row not in text] == [], "run `python -m scripts.notices`"
