"""Tells whether a new JSON Schema of an event still understands, and is understood by, the old one.

Events are kept for ever and services are upgraded one by one, so both ways count: a new reader meets old events in
the log, an old reader meets new ones on the topic. Only an optional field may be added; all else is a new version.
``python -m scripts.compatibility v0.1.0`` compares the committed schemas with those of that git tag.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Schema = dict[str, Any]

FOLDER = Path("shared/schemas/json")
NOTES = frozenset({"title", "description", "examples", "$defs", "$comment"})
"""Keywords that say something to people and nothing to a reader's code."""

NESTED = frozenset({"items", "additionalProperties", "propertyNames"})
ALTERNATIVES = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """Return one sentence for each difference that a reader of either schema would stumble over.

    >>> breaking_changes({"properties": {"a": {"type": "string"}}}, {"properties": {}})
    ['a: field removed']
    """
    return list(_differences("", _expanded(old, old), _expanded(new, new)))


def _expanded(node: Any, root: Schema, seen: tuple[str, ...] = ()) -> Any:  # noqa: ANN401  JSON has no narrower type
    """Return a schema with its references put in place, so that renaming a model in Python is no difference."""
    if isinstance(node, list):
        return [_expanded(each, root, seen) for each in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref")
    if isinstance(reference, str) and reference not in seen:
        target = root["$defs"][reference.removeprefix("#/$defs/")]
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return _expanded(target | beside, root, (*seen, reference))
    return {
        key: {name: _expanded(each, root, seen) for name, each in value.items()}
        if key in {"properties", "patternProperties"}
        else value if key == "$defs" else _expanded(value, root, seen)
        for key, value in node.items()
    }  # fmt: skip


def _differences(path: str, old: Any, new: Any) -> Iterator[str]:  # noqa: ANN401  as above
    here = path or "the event"
    if not (isinstance(old, dict) and isinstance(new, dict)):
        if old != new:
            yield f"{here}: was {_shown(old)}, is {_shown(new)}"
        return
    yield from _fields(path, old, new)
    compared = (old.keys() | new.keys()) - NOTES - {"properties", "required"}
    for keyword in sorted(compared):
        before, after = old.get(keyword), new.get(keyword)
        if keyword in NESTED and before and after:
            yield from _differences(f"{path}[]", before, after)
        elif keyword == "patternProperties" and before and after and before.keys() == after.keys():
            for pattern in before:
                yield from _differences(f"{path}[{pattern}]", before[pattern], after[pattern])
        elif keyword in ALTERNATIVES and before and after and len(before) == len(after):
            for one, other in zip(before, after, strict=True):
                yield from _differences(path, one, other)
        elif _plain(before) != _plain(after):
            yield f"{here}: {keyword} was {_shown(before)}, is {_shown(after)}"


def _fields(path: str, old: Schema, new: Schema) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    was, now = set(old.get("required", ())), set(new.get("required", ()))
    for name in before:
        inner = f"{path}.{name}" if path else name
        if name not in after:
            yield f"{inner}: field removed"
            continue
        yield from _differences(inner, before[name], after[name])
        if (name in was) != (name in now):
            yield f"{inner}: was {'required, is optional' if name in was else 'optional, is required'}"
    for name in sorted(now - before.keys()):
        yield f"{path}.{name}: new field is required" if path else f"{name}: new field is required"


def _plain(node: Any) -> Any:  # noqa: ANN401  as above
    """Return a schema without what only people read, with alternatives and enums in one order."""
    if isinstance(node, list):
        return sorted((_plain(each) for each in node), key=_shown)
    if not isinstance(node, dict):
        return node
    return {
        key: {name: _plain(each) for name, each in value.items()} if key == "properties" else _plain(value)
        for key, value in node.items()
        if key not in NOTES
    }


def _shown(value: object) -> str:
    return "absent" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)


def breaking_files(old: dict[str, Schema], new: dict[str, Schema]) -> list[str]:
    """Compare two catalogues, event type by event type; a type that is gone is breaking too."""
    gone = [f"{name}: event type removed" for name in sorted(old.keys() - new.keys())]
    kept = sorted(old.keys() & new.keys())
    return gone + [f"{name}: {change}" for name in kept for change in breaking_changes(old[name], new[name])]


def read(folder: Path) -> dict[str, Schema]:
    """Return the schemas of a folder by event type."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}


def released(tag: str) -> dict[str, Schema]:
    """Return the schemas as they stood at a git tag."""
    listed = _git("ls-tree", "-r", "--name-only", tag, f"{FOLDER.as_posix()}/").splitlines()
    return {Path(name).stem: json.loads(_git("show", f"{tag}:{name}")) for name in listed}


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603  no shell, our words


def main(arguments: list[str]) -> int:
    """Compare with a tag; exit code 1 when something breaks, 2 when nothing can be compared."""
    if len(arguments) != 1:
        print("Say which release to compare with: python -m scripts.compatibility TAG", file=sys.stderr)
        return 2
    try:
        old = released(arguments[0])
    except subprocess.CalledProcessError as error:
        print(f"git knows no {arguments[0]}: {error.stderr.strip()}", file=sys.stderr)
        return 2
    if not old:
        print(f"{arguments[0]} has no schemas to compare with.", file=sys.stderr)
        return 2
    found = breaking_files(old, read(FOLDER))
    print("\n".join(found) or f"Nothing breaks since {arguments[0]}.")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
