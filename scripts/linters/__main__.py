"""``python -m scripts.linters``: all rules over all files that git has or would take."""

import subprocess
from pathlib import Path, PurePosixPath

from scripts.linters import (
    clock,
    documents,
    egress,
    exceptions,
    names,
    places,
    requirements,
    sheets,
    size,
    sleeping,
    sql,
)
from scripts.linters.rule import Rule

ROOT = Path(__file__).resolve().parents[2]


def all_rules(root: Path) -> tuple[Rule, ...]:
    """Return every rule that looks at one file."""
    modules = (size, names, clock, sql, egress, sheets, exceptions, sleeping, places)
    rules = (*(rule for module in modules for rule in module.RULES), *documents.rules(documents.exists_below(root)))
    return (*rules, *requirements.rules(requirements.held_below(root, [rule.name for rule in rules])))


def files(root: Path) -> list[PurePosixPath]:
    """Return what git tracks, and what it would take if asked to add all."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout  # noqa: S603  our words
    return sorted({PurePosixPath(name) for name in listed.split("\0") if name and (root / name).is_file()})


def violations(root: Path, rules: tuple[Rule, ...]) -> list[str]:
    """Return one line per finding: path, line, rule, sentence."""
    found: list[str] = []
    for path in files(root):
        text = (root / path).read_text(encoding="utf-8", errors="replace")
        for rule in rules:
            found += [f"{path}:{line}: {rule.name}: {what}" for line, what in rule.findings(path, text)]
    return found


def main() -> int:
    """Print what is wrong; exit code 1 if anything is."""
    found = violations(ROOT, all_rules(ROOT))
    print("\n".join(found) or "All rules of the house hold.")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
