"""Every service has the same files, so that a reader learns the map once."""

from collections.abc import Callable, Iterable

FILES = ("domain", "store", "commands", "handlers", "http")
"""Modules that may be a file or, once they outgrow it, a folder of the same name."""


def missing(service: str, exists: Callable[[str], bool]) -> list[str]:
    """Return what a service lacks of what every service has.

    >>> missing("orders", lambda name: not name.endswith("README.md"))
    ['services/orders/README.md']
    """
    top = f"services/{service}"
    package = f"{top}/src/{service.replace('-', '_')}"
    modules = [f"{package}/{name}.py" for name in FILES if not exists(f"{package}/{name}/__init__.py")]
    fixed = [f"{package}/{name}" for name in ("__init__.py", "app.py", "migrations", "py.typed")]
    return [name for name in (*modules, *fixed, f"{top}/README.md", f"{top}/tests") if not exists(name)]


def unowned(services: Iterable[str], owners: str) -> list[str]:
    """Return the services that CODEOWNERS forgets."""
    paths = {line.split()[0] for line in owners.splitlines() if line.strip() and not line.startswith("#")}
    return [name for name in services if f"/services/{name}/" not in paths]
