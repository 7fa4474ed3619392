"""Writes what is generated: schemas, docs/events.md, the tables of docs/reliability.md and docs/performance.md, plots.

``--check`` says what is stale.

A schema that would break readers is refused: make it a new version. ``--accept-breaking`` is for types that no
release carries yet.
"""

import argparse
import json
import sys
from pathlib import Path

from schemas.catalogue import EVENTS
from scripts import compatibility, event_docs, performance, reliability

ROOT = Path(__file__).resolve().parent.parent


def schemas() -> dict[str, compatibility.Schema]:
    """Return the JSON Schema of every event as it is written (not as it is read)."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {name: dialect | event.model_json_schema(mode="serialization") for name, event in EVENTS.items()}


def rendered(schema: compatibility.Schema) -> str:
    """Return a schema as its file holds it."""
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def outputs(root: Path) -> dict[Path, str]:
    """Return every generated file with the text it should have."""
    files = {root / compatibility.FOLDER / f"{name}.json": rendered(schema) for name, schema in schemas().items()}
    survived, book = root / "docs/reliability.md", root / "docs/reliability.jsonl"
    if book.exists():
        files[survived] = reliability.page(survived.read_text(encoding="utf-8"), book)
    measured, figures = root / "docs/performance.md", root / "docs/performance.jsonl"
    if measured.exists():
        files[measured] = performance.page(measured.read_text(encoding="utf-8"), figures)
        files |= {root / performance.FOLDER / name: plot for name, plot in performance.drawn(figures).items()}
    return files | {root / "docs/events.md": event_docs.page(event_docs.listeners())}


def stale(files: dict[Path, str]) -> list[Path]:
    """Return the files that are missing or say something else."""
    return [path for path, text in files.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Write or check; exit code 1 when something breaks or is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 if something is out of date")
    parser.add_argument("--accept-breaking", action="store_true", help="for types no release carries yet")
    options = parser.parse_args(arguments)
    folder = root / compatibility.FOLDER
    broken = compatibility.breaking_files(compatibility.read(folder), schemas())
    if broken and not options.accept_breaking:
        print("Readers would break; add a new version of the event instead:", *broken, sep="\n  ", file=sys.stderr)
        return 1
    files = outputs(root)
    changed = stale(files)
    if options.check:
        if changed:
            names = [path.relative_to(root).as_posix() for path in changed]
            print("Out of date, run `just generate`:", *names, sep="\n  ", file=sys.stderr)
        return 1 if changed else 0
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path], encoding="utf-8")
    for orphan in [*folder.glob("*.json"), *(root / performance.FOLDER).glob("*.svg")]:
        if orphan not in files:
            orphan.unlink()
    print(f"{len(changed)} of {len(files)} files written.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
