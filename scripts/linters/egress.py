"""What a service sends goes through the files named here: nobody else opens a connection to anywhere."""

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from scripts.linters.rule import Finding, Rule, called, imported, is_python, is_test

CLIENTS = frozenset({
    "httpx", "httpcore", "requests", "urllib3", "aiohttp", "pycurl", "websockets", "http.client", "urllib.request",
    "xmlrpc.client", "socket", "ssl", "smtplib", "ftplib", "poplib", "imaplib", "telnetlib", "socketserver",
    "subprocess", "multiprocessing", "ctypes",
})  # fmt: skip
"""Modules that reach out, or around every rule."""
CALLS = frozenset({
    "open_connection", "open_unix_connection", "create_connection", "create_unix_connection",
    "create_datagram_endpoint", "create_subprocess_exec", "create_subprocess_shell", "import_module", "__import__",
    "exec", "eval", "system", "popen",
})  # fmt: skip
ALLOWED = frozenset(
    {
        "shared/chassis/src/chassis/consume/feed_client.py",  # asks the owners, whose addresses are settings
        "shared/chassis/src/chassis/egress.py",  # to public hosts alone, for addresses that people give
        "shared/chassis/src/chassis/consume/mending.py",  # names that client's errors
        "shared/chassis/src/chassis/run/settings.py",  # the host's own name
        "shared/chassis/src/chassis/run/serve.py",  # loads the service that it is told to be
        "shared/chassis/src/chassis/testing.py",  # asks an app in its own process
    }
)


def _reaches_out(_: PurePosixPath, text: str) -> Iterator[Finding]:
    for node in ast.walk(ast.parse(text)):
        for name in imported(node):
            if any(name == client or name.startswith(f"{client}.") for client in CLIENTS):
                yield node.lineno, f"{name} reaches out: what a service sends goes through the chassis"  # type: ignore[attr-defined]
        if isinstance(node, ast.Call) and called(node).rpartition(".")[2] in CALLS:
            yield node.lineno, f"{called(node)} reaches out, or around the rules"


def _in_a_process_of_a_service(path: PurePosixPath) -> bool:
    if not is_python(path) or is_test(path) or path.as_posix() in ALLOWED:
        return False
    return path.parts[0] in {"services", "shared"} and "src" in path.parts


RULES = (Rule("egress", _in_a_process_of_a_service, _reaches_out),)
