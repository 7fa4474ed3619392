"""Each rule of the house fires on what it is against, and lets its good twin pass."""

from pathlib import Path, PurePosixPath

import pytest

from scripts.linters import layout
from scripts.linters.__main__ import all_rules, files, violations
from scripts.linters.documents import rules as document_rules
from scripts.linters.requirements import held_below
from scripts.linters.requirements import rules as requirement_rules
from scripts.linters.rule import Rule
from tests.architecture import reaching_out

DOMAIN = "services/orders/src/orders/domain.py"
COMMANDS = "services/orders/src/orders/commands.py"
TEST = "services/orders/tests/test_http.py"
THERE = {"docs/events.md", "tests/architecture/test_rules_fire.py", ".importlinter"}
RULES: dict[str, Rule] = {rule.name: rule for rule in all_rules(Path())}
RULES |= {rule.name: rule for rule in document_rules(THERE.__contains__)}
RULES |= {rule.name: rule for rule in requirement_rules({"test_a_door", "door-open"}.__contains__)}
PROMISES = "| promise | kept by | test |\n|---|---|---|\n"
HOME = "/" + "home/jana/crm"
HOST = "py" + "pi.org"

FIRES = [
    ("long-file", COMMANDS, "x = 1\n" * 251),
    ("long-function", COMMANDS, "def f():\n" + "    x = 1\n" * 40),
    ("long-function", TEST, "async def test_f():\n" + "    x = 1\n" * 40),
    ("module-name", "services/orders/src/orders/utils.py", ""),
    ("module-name", "shared/chassis/src/chassis/common/rows.py", ""),
    ("module-name", "scripts/helpers.py", ""),
    ("clock", DOMAIN, "from datetime import datetime\nnow = datetime.now(UTC)"),
    ("clock", DOMAIN, "import datetime\nnow = datetime.datetime.utcnow()"),
    ("clock", DOMAIN, "import time\nnow = time.time()"),
    ("clock", DOMAIN, "from time import monotonic as tick\nnow = tick()"),
    ("clock", "services/loyalty/src/loyalty/domain/account.py", "today = date.today()"),
    ("sql-built", COMMANDS, 'await unit.db.fetch(f"select {name} from clients")'),
    ("sql-built", COMMANDS, 'await db.execute("select 1 from %s" % table)'),
    ("sql-built", COMMANDS, 'await db.fetchrow("select 1 from " + table)'),
    ("sql-built", COMMANDS, 'await db.fetchval("select 1 from {}".format(table))'),
    ("sql-built", COMMANDS, 'def f(db):\n    query = f"select {x} from y"\n    return db.fetch(query)'),
    ("sql-outside", COMMANDS, 'await unit.db.fetch("select id from clients")'),
    ("sql-outside", COMMANDS, 'Q = """\n  insert into clients values ($1)"""'),
    ("sql-outside", COMMANDS, 'Q = "UPDATE clients SET name = $1"'),
    ("session-changed", COMMANDS, "await connection.execute(\"set lock_timeout = '1s'\")"),
    ("session-changed", "shared/chassis/src/x.py", 'await db.fetchval("select pg_try_advisory_lock($1)", 1)'),
    ("session-changed", COMMANDS, "LOCKED = 'select 1, pg_advisory_lock($1)'"),
    ("session-changed", COMMANDS, "Q = \"select set_config('lock_timeout', '1s', false)\""),
    ("session-changed", COMMANDS, 'Q = "create temp table seen (id uuid)"'),
    *(("egress", path, text) for path, text in reaching_out.FIRES),
    ("sheet-outside", COMMANDS, "csv.writer(file).writerow(row)"),
    (
        "sheet-outside",
        "deploy/local/src/klientela/exporting.py",
        "from csv import DictWriter\nw = DictWriter(f, names)",
    ),
    ("sheet-outside", COMMANDS, "from openpyxl import Workbook"),
    ("bare-except", COMMANDS, "try:\n    f()\nexcept:\n    pass"),
    ("sleep", TEST, "import time\ntime.sleep(1)"),
    ("sleep", TEST, "async def test_it():\n    await asyncio.sleep(0.1)"),
    ("sleep", "tests/flows/conftest.py", "from time import sleep\nsleep(seconds)"),
    ("machine-path", "docs/start.md", f"cd {HOME}"),
    ("machine-path", "justfile", "x := 'C:" + "\\Users\\jana'"),
    ("index-host", "requirements.lock", f"--index-url https://{HOST}/simple"),
    ("dead-link", "docs/start.md", "See [the events](evnets.md)."),
    ("dead-link", "docs/start.md", "# Top\n[down](#bottom)"),
    ("unchecked-decision", "docs/adr/0001-lanes.md", "# 1\n\n## Decision\n\nLanes."),
    (
        "unchecked-decision",
        "docs/adr/0001-lanes.md",
        "## Check\n\nPeople take care.\n\n## References\n\n`docs/events.md`",
    ),
    ("unchecked-decision", "docs/adr/0001-lanes.md", "## Check\n\n`tests/nowhere.py`"),
    ("unreleased", "CHANGELOG.md", "# Changelog\n\n## 0.1.0\n"),
    ("unchecked-requirement", "docs/security.md", PROMISES + "| no stranger enters | care | people look |"),
    ("unchecked-requirement", "docs/security.md", PROMISES + "| one | x | `test_a_door` |\n| two | x | `test_gone` |"),
    ("unchecked-requirement", "docs/security.md", PROMISES + "| one | x | `test_a_door`, the twin `door-gone` |"),
    (
        "unchecked-requirement",
        "docs/security.md",
        "| promise | kept by |\n|---|---|\n| no stranger enters | `test_a_door` |",
    ),
]

PASSES = [
    ("long-file", COMMANDS, "x = 1\n" * 250),
    ("long-function", COMMANDS, "def f():\n" + "    x = 1\n" * 39),
    ("module-name", "services/orders/src/orders/store.py", ""),
    ("clock", DOMAIN, "def late(now: datetime) -> bool:\n    return now > due.time()"),
    ("clock", COMMANDS, "now = datetime.now(UTC)"),
    ("sql-built", COMMANDS, 'await db.fetch("select $1::text", name)\nlog.info(f"{x}")'),
    ("sql-built", COMMANDS, 'await db.fetch(f"select 1")'),
    ("sql-built", COMMANDS, 'await db.fetch(f"select {COLUMNS} from events")'),
    ("sql-built", COMMANDS, 'def f(): q = f"{x}"\ndef g(db, q): return db.fetch(q)'),
    ("sql-outside", "services/orders/src/orders/store.py", 'Q = "select id from clients"'),
    ("sql-outside", COMMANDS, '"""Select the best from what there is."""\nX = "update the card"'),
    ("session-changed", COMMANDS, "await connection.execute(\"set local lock_timeout = '1s'\")"),
    ("session-changed", COMMANDS, 'await connection.execute("select pg_advisory_xact_lock($1)", 1)'),
    ("session-changed", COMMANDS, 'Q = "set transaction isolation level repeatable read"'),
    ("session-changed", COMMANDS, 'Q = "update points set total = 1"\n"""Set what is to be = 1."""'),
    *(("egress", path, text) for path, text in reaching_out.PASSES),
    ("sheet-outside", "deploy/local/src/klientela/sheet.py", "csv.writer(file)"),
    ("sheet-outside", COMMANDS, "for row in csv.reader(file): print(row)"),
    ("bare-except", COMMANDS, "try:\n    f()\nexcept ValueError:\n    pass"),
    ("sleep", TEST, "async def test_it():\n    await asyncio.sleep(0)"),
    ("sleep", COMMANDS, "time.sleep(1)"),
    ("machine-path", "docs/start.md", "GET /v1/work/1 and ~/work and https://example.org/home/x"),
    ("index-host", "docs/start.md", "the machine's own index"),
    ("dead-link", "docs/start.md", "# Top\n[e](events.md) [t](#top) [w](https://example.org) \n```\n[x](no.md)\n```"),
    (
        "unchecked-decision",
        "docs/adr/0001-lanes.md",
        "## Check\n\n`tests/architecture/test_rules_fire.py`, `.importlinter`",
    ),
    ("unreleased", "CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n\n## 0.1.0"),
    (
        "unchecked-requirement",
        "docs/security.md",
        PROMISES + "| one | `x` | `test_a_door`; the twin `door-open` |\n\n`y`",
    ),
]


@pytest.mark.parametrize(("name", "path", "text"), FIRES)
def test_a_rule_fires(name: str, path: str, text: str) -> None:
    assert RULES[name].findings(PurePosixPath(path), text)


@pytest.mark.parametrize(("name", "path", "text"), PASSES)
def test_a_rule_lets_the_good_twin_pass(name: str, path: str, text: str) -> None:
    assert RULES[name].findings(PurePosixPath(path), text) == []


def test_every_rule_is_shown_firing_and_passing() -> None:
    assert {name for name, _, _ in FIRES} == set(RULES) == {name for name, _, _ in PASSES}


def test_what_holds_a_promise_is_a_file_a_test_a_twin_a_rule_or_a_fault_of_this_tree() -> None:
    holds = held_below(Path(__file__).resolve().parents[2], ["egress"])
    there = (
        "tests/verify/doors.py",
        "test_keys.py",
        "test_a_rule_fires",
        "door-open-to-operators",
        "egress",
        "malformed",
    )
    assert [name for name in there if not holds(name)] == []
    assert not any(holds(name) for name in ("tests/verify/gone.py", "test_gone", "gone", "tests", ""))


def test_a_line_may_be_let_through_only_with_a_reason() -> None:
    rule = RULES["bare-except"]
    for comment, found in (("# lint-skip: bare-except it is re-raised", 0), ("# lint-skip: bare-except", 1)):
        text = f"try:\n    f()\nexcept:  {comment}\n    raise"
        assert len(rule.findings(PurePosixPath(COMMANDS), text)) == found


def test_a_service_that_lacks_a_file_is_told_which() -> None:
    assert layout.missing("service-desk", lambda _: True) == []
    lacking = layout.missing("service-desk", lambda name: "handlers" not in name)
    assert lacking == ["services/service-desk/src/service_desk/handlers.py"]


def test_a_module_may_grow_into_a_folder() -> None:
    grown = "services/loyalty/src/loyalty/domain"
    assert layout.missing("loyalty", lambda name: name != f"{grown}.py") == []
    assert layout.missing("loyalty", lambda name: not name.startswith(grown)) == [f"{grown}.py"]


def test_a_service_without_an_owner_is_told() -> None:
    assert layout.unowned(["clients", "orders"], "# all\n/services/clients/ @x\n") == ["orders"]


def test_the_whole_walk_finds_a_violation_in_a_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "helpers.py").write_text("", encoding="utf-8")
    monkeypatch.setattr("scripts.linters.__main__.files", lambda root: [PurePosixPath("helpers.py")])
    assert [line.split(": ")[1] for line in violations(tmp_path, all_rules(tmp_path))] == ["module-name"]


def test_the_walk_sees_this_very_file() -> None:
    assert PurePosixPath("tests/architecture/test_rules_fire.py") in files(Path(__file__).resolve().parents[2])
