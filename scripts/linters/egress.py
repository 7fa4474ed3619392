"""Who may open a connection: a file of a service takes from outside what is named here, and nothing else.

It is against oversight, not against who means to get around it: names that are put together while a program runs
are not seen.
"""

import ast
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath

from scripts.linters.rule import Finding, Rule, is_python, is_test


def words(text: str) -> frozenset[str]:
    """Return the words of a text, as it is easily read and added to."""
    return frozenset(text.split())


SCHEMAS = words(
    "collections.abc datetime decimal functools pydantic pydantic.json_schema re stdnum.cz stdnum.exceptions typing"
    " uuid"
)
SERVICE = SCHEMAS | words(
    "abc asyncpg base64 calendar contextlib dataclasses fastapi fastapi.responses fractions hashlib hmac http inspect"
    " itertools json math orjson pathlib secrets types zoneinfo"
)
CHASSIS = SERVICE | words(
    "argparse asyncio binascii collections copy enum fastapi.dependencies.models fastapi.dependencies.utils"
    " fastapi.exceptions fastapi.params fastapi.routing fastapi.security fastapi.security.utils"
    " importlib.metadata ipaddress joserfc joserfc.errors joserfc.jwk logging operator prometheus_client"
    " pydantic_settings random signal starlette.exceptions starlette.types structlog threading time"
    " traceback"
)
"""What each file of a package may import."""

HOME = "shared/chassis/src/chassis/"
NAMED: Mapping[str, str] = {
    "httpx": "egress consume/feed_client consume/mending testing",  # to public hosts; owners, whom settings name
    "socket": "egress run/settings",  # how an address is looked up; the host's own name
    "aiokafka": (
        "consume/lane_consumer consume/outside consume/topic_reader events/lanes events/relay events/tail run/topics"
    ),
    "uvicorn": "run/serve",
    "gc": "run/collector",
    "importlib": "run/serve",  # the service that it is told to be
    "importlib.util": "run/migrations testing",
    "alembic": "run/migrations",
    "sqlalchemy": "run/migrations",
    "os": "points run/settings run/watchdog testing",
    "sys": "run/logs",
    "asyncpg.pool": "database",
    "asyncpg.pgproto": "events/record",
    "aiorwlock": "database",
    "pytest": "testing",
    "pytest_asyncio": "testing",
}
"""Files of the chassis that may import what no other may, with what lies below it."""

CONNECTS = frozenset(f"{HOME}{name}.py" for name in ("database", "run/migrations", "testing"))
"""Files that call PostgreSQL's driver; for all others it is types and errors."""

PARTS: Mapping[str, Callable[[str], bool]] = {
    "asyncio": words(
        "CancelledError Event Future Lock Semaphore Task TaskGroup TimeoutError create_task current_task ensure_future"
        " gather get_running_loop run sleep timeout wait wait_for"
    ).__contains__,
    "os": frozenset({"environ", "kill", "getpid", "_exit"}).__contains__,
    "http": frozenset({"HTTPStatus"}).__contains__,
    "fastapi": lambda name: name[:1].isupper(),
    "asyncpg": lambda name: name[:1].isupper(),
}
"""What may be taken of a module of which not all may be."""

LIBRARIES = frozenset({"asyncio", "asyncpg", *(name.partition(".")[0] for name in NAMED)})
CALLS = frozenset({"__import__", "__builtins__", "exec", "eval", "compile", "globals"})
LOOP = (
    "create_connection", "create_server", "create_unix", "create_datagram", "create_subprocess", "connect_", "sock_",
    "subprocess_", "getaddrinfo", "run_in_executor",
)  # fmt: skip
"""What a loop opens, whatever the loop is called; names are looked up for addresses that were given, in egress."""
OURS = frozenset({"schemas", "chassis", "clients", "orders", "service_desk", "loyalty", "automation"})


def _taken_from_outside(path: PurePosixPath, text: str) -> Iterator[Finding]:
    for node in ast.walk(ast.parse(text)):
        line = getattr(node, "lineno", 1)
        if isinstance(node, ast.Import):
            yield from ((line, said) for alias in node.names for said in _import(path, alias))
        elif isinstance(node, ast.ImportFrom):
            yield from ((line, said) for alias in node.names for said in _import_from(path, node, alias.name))
        elif isinstance(node, ast.Name) and node.id in CALLS:
            yield line, f"{node.id} goes around the rules"
        elif isinstance(node, ast.Attribute):
            yield from ((line, said) for said in _attribute(path, node))
        elif isinstance(node, ast.Call) and path.as_posix() not in CONNECTS and _written(node.func, "asyncpg"):
            yield line, "PostgreSQL's driver is called by the chassis's database alone"


def _import(path: PurePosixPath, alias: ast.alias) -> Iterator[str]:
    if not _may_import(path, alias.name):
        yield f"{alias.name} is not among what this file may import"
    elif alias.asname and alias.name in PARTS:
        yield f"{alias.name} goes by its own name, so that it is seen what is taken of it"
    elif alias.name in {"fastapi", "http"}:
        yield f"of {alias.name} names are imported, not all of it"


def _import_from(path: PurePosixPath, node: ast.ImportFrom, name: str) -> Iterator[str]:
    module = node.module or ""
    if node.level or module.partition(".")[0] in OURS:
        if name == "*" or name in LIBRARIES or name.startswith("AIOKafka") or f"{module}.{name}" == "chassis.testing":
            yield f"{name} is not taken from {module}: what it is of goes by its own name"
    elif not (_may_import(path, module) or _may_import(path, f"{module}.{name}")):
        yield f"{module} is not among what this file may import"
    elif name == "*" or not _may_take(module, name):
        yield f"{module}.{name} is not among what may be taken of it"
    elif module == "asyncpg" and path.as_posix() not in CONNECTS:
        yield "asyncpg is imported whole, so that it is seen what is taken of it"


def _attribute(path: PurePosixPath, node: ast.Attribute) -> Iterator[str]:
    owner = node.value.id if isinstance(node.value, ast.Name) else ""
    known = owner in PARTS and not (owner == "asyncpg" and path.as_posix() in CONNECTS)
    of_a_loop = node.attr.startswith(LOOP) and not (
        node.attr == "getaddrinfo" and path.as_posix() == f"{HOME}egress.py"
    )
    if of_a_loop or (known and not _may_take(owner, node.attr)):
        yield f"{owner}.{node.attr} reaches out, or around the rules"
    elif node.attr in LIBRARIES and path.as_posix() not in CONNECTS:
        yield f"{node.attr} is not taken through another module"


def _may_import(path: PurePosixPath, module: str) -> bool:
    if module.partition(".")[0] in OURS:
        return module != "chassis.testing"
    if path.parts[:2] == ("shared", "chassis"):
        files = (
            f"{HOME}{file}.py" for name in NAMED if f"{module}.".startswith(f"{name}.") for file in NAMED[name].split()
        )
        return module in CHASSIS or path.as_posix() in files
    return module in (SCHEMAS if path.parts[:2] == ("shared", "schemas") else SERVICE)


def _may_take(module: str, name: str) -> bool:
    part = PARTS.get(module)
    return part is None or part(name)


def _written(node: ast.expr, module: str) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == module


def _in_a_process_of_a_service(path: PurePosixPath) -> bool:
    return is_python(path) and not is_test(path) and path.parts[0] in {"services", "shared"} and "src" in path.parts


RULES = (Rule("egress", _in_a_process_of_a_service, _taken_from_outside),)
