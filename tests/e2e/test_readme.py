"""The README's commands do what the README says, as a reader would copy them, in a data directory of their own."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from klientela.layout import PROJECT
from klientela.ports import free_ports

BLOCKS = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
CHECKS = """
api "http://127.0.0.1:8101/v1/clients/$CLIENT" | python3 -c '
import json, sys
card = json.load(sys.stdin)
assert (card["label"], card["status"], card["starred"]) == ("Klient: 1", "Stálý odběratel", True), card'
api "http://127.0.0.1:8104/v1/accounts/$CLIENT" | python3 -c '
import json, sys
account = json.load(sys.stdin)
assert (account["points"], account["tier"]) == (6123, "silver"), account'
./klientela down
"""


def story() -> str:
    """Return the commands of the story, without the last one, which stops the suite."""
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    blocks = BLOCKS.findall(text[text.index("## One order on its way") : text.index("## Commands")])
    assert len(blocks) == 5
    return "".join(blocks[:-1])


def base_of_free_ports() -> int:
    """Return a base whose ports nobody holds just now."""
    while True:
        (port,) = free_ports(1)
        base = port - port % 100
        if 20_000 < base < 60_000:
            return base


@pytest.fixture
def script(tmp_path: Path) -> Iterator[str]:
    """Give the README's commands, led to ports and data of this test; stop what they started."""
    base, data = base_of_free_ports(), tmp_path / "data"
    text = "set -eu\n" + story() + CHECKS
    text = re.sub(r"127\.0\.0\.1:81(\d\d)", lambda found: f"127.0.0.1:{base + int(found[1])}", text)
    text = text.replace("./klientela up --detach", f"./klientela up --detach --port-base {base}")
    text = re.sub(r"(\./klientela \w+)", rf"\1 --data {data}", text)
    yield text.replace("$(cat .klientela/", f"$(cat {data}/")
    down = [str(PROJECT / "klientela"), "down", "--data", str(data)]
    subprocess.run(down, cwd=PROJECT, check=False)  # noqa: S603 - our own command


def test_the_story_of_the_readme_is_true(script: str) -> None:
    done = subprocess.run(
        ["/bin/sh"], input=script, cwd=PROJECT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
