"""No file names somebody's machine or a package index."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from scripts.linters.rule import Finding, Rule

MACHINE = re.compile(r"(?<![\w.<{$~-])/(?:home/\w|root/\w|Users/\w|work/\w|opt/wheels)|[A-Z]:\\Users\\")
HOSTS = ("pypi|org", "files|pythonhosted|org", "repo|maven|apache|org", "repo1|maven|org", "registry|npmjs|org")
"""Written with bars for dots, so that this file does not name them."""
INDEX = re.compile("|".join(re.escape(host.replace("|", ".")) for host in HOSTS))


def _anything(path: PurePosixPath) -> bool:
    return path.name != "places.py"


def _machine_path(_: PurePosixPath, text: str) -> Iterator[Finding]:
    for number, line in enumerate(text.splitlines(), start=1):
        if found := MACHINE.search(line):
            yield number, f"{found.group()}… is a place on one machine"


def _index_host(_: PurePosixPath, text: str) -> Iterator[Finding]:
    for number, line in enumerate(text.splitlines(), start=1):
        if found := INDEX.search(line):
            yield number, f"{found.group()} is a package index; mirrors are the user's business"


RULES = (Rule("machine-path", _anything, _machine_path), Rule("index-host", _anything, _index_host))
