"""Every import contract is broken on purpose in a copy of the tree, and must say so."""

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("clients", "orders", "service_desk", "loyalty", "automation")
LAYERS = ("app", "http", "handlers", "commands", "store", "domain")

VIOLATIONS = [
    ("services", "orders/store", "import clients.domain"),
    ("services", "automation/app", "from service_desk import domain"),
    ("packages", "schemas/values", "import chassis"),
    ("packages", "chassis/events", "import schemas, orders"),
    ("packages", "chassis/run", "import klientela"),
    ("packages", "loyalty/app", "import klientela"),
    ("inside", "clients/domain", "import clients.store"),
    ("inside", "orders/commands", "from orders import handlers"),
    ("inside", "service_desk/store", "import service_desk.http"),
    ("inside", "loyalty/handlers", "import loyalty.app"),
    ("inside", "orders/helpers", ""),
    ("inside-automation", "automation/store", "import automation.actions"),
    ("inside-automation", "automation/actions", "import automation.commands"),
    ("inside-automation", "automation/misc", ""),
    ("chassis", "chassis/events", "import chassis.run"),
    ("chassis", "chassis/consume", "import chassis.run"),
    ("chassis", "chassis/errors", "import chassis.events"),
    ("chassis", "chassis/common", ""),
    ("pure", "clients/domain", "import asyncpg"),
    ("pure", "service_desk/domain", "import chassis.run"),
    ("pure", "loyalty/domain", "import chassis.database"),
    ("contracts", "schemas/orders", "import asyncpg"),
    ("contracts", "schemas/event", "from fastapi import FastAPI"),
]


def contracts() -> set[str]:
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    return {name.rpartition(":")[2] for name in parser.sections() if name.startswith("importlinter:contract:")}


def lint(tree: Path, contract: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--contract", contract]
    environment = os.environ | {"PYTHONPATH": str(tree), "NO_COLOR": "1", "COLUMNS": "200"}
    return subprocess.run(  # noqa: S603  our own words
        command, cwd=tree, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def module(tree: Path, name: str) -> Path:
    """Return the file of a module, whether it is a file or a folder; a new one is a file."""
    folder = tree / name
    return folder / "__init__.py" if folder.is_dir() else tree / f"{name}.py"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages; what a service does not have yet stands there empty."""
    copy = tmp_path_factory.mktemp("tree")
    shutil.copy(ROOT / ".importlinter", copy)
    ignore = shutil.ignore_patterns("__pycache__", "*.sql", "*.json")
    for source in sorted(ROOT.glob("shared/*/src/*")) + sorted(ROOT.glob("services/*/src/*")):
        if source.is_dir():
            shutil.copytree(source, copy / source.name, ignore=ignore)
    shutil.copytree(ROOT / "deploy/local/src/klientela", copy / "klientela", ignore=ignore)
    wanted = [f"{service}/{layer}" for service in SERVICES for layer in LAYERS]
    wanted += [
        "automation/actions",
        *(f"chassis/{name}" for name in ("run", "web", "consume", "service", "events", "errors")),
    ]
    for name in wanted:
        module(copy, name).touch()
    return copy


def test_every_contract_is_broken_here_at_least_once() -> None:
    assert {contract for contract, _, _ in VIOLATIONS} == contracts()


@pytest.mark.parametrize("contract", sorted(contracts()))
def test_the_tree_keeps_the_contract(tree: Path, contract: str) -> None:
    done = lint(tree, contract)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 kept, 0 broken" in done.stdout


@pytest.mark.parametrize(("contract", "where", "line"), VIOLATIONS)
def test_the_contract_fires(tree: Path, contract: str, where: str, line: str) -> None:
    path = module(tree, where)
    before = path.read_bytes() if path.exists() else None
    path.write_bytes((before or b"") + f"\n{line}\n".encode())
    try:
        done = lint(tree, contract)
    finally:
        path.unlink() if before is None else path.write_bytes(before)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "0 kept, 1 broken" in done.stdout
    blamed = where.replace("/", ".") + " -> " if line else where.rpartition("/")[2]
    assert blamed in " ".join(done.stdout.split()), done.stdout
