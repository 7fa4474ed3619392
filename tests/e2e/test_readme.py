"""The README's commands do what the README says, as a reader would copy them, in a data directory of their own."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from klientela.jars import locked
from klientela.layout import PROJECT
from klientela.postgres_binaries import ACCOUNT, SHARED
from tests.ports import free_base

BLOCKS = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
AFTER_README = """
api "$CLIENTS/v1/clients/$CLIENT" | python3 -c '
import json, sys
card = json.load(sys.stdin)
assert (card["label"], card["status"], card["starred"]) == ("Klient: 1", "Stálý odběratel", True), card'
api "$LOYALTY/v1/accounts/$CLIENT" | python3 -c '
import json, sys
account = json.load(sys.stdin)
assert (account["points"], account["tier"]) == (6123, "silver"), account'
"""
AT_THE_END = """
api "$CLIENTS/v1/tasks?client_id=$CLIENT" | python3 -c '
import json, sys
(task,) = json.load(sys.stdin)["items"]
assert task["title"] == "Proaktivně nabídnout preventivní servis klientovi Kávová s.r.o.", task'
api "$ORDERS/v1/opportunities?client_id=$CLIENT" | python3 -c '
import json, sys
(chance,) = json.load(sys.stdin)["items"]
assert (chance["stage"], chance["value"]["amount"]) == ("Kvalifikace", "1990.00"), chance'
for client in "$CLIENT 0" "$OTHER 6223"; do
api "$LOYALTY/v1/accounts/${client% *}" | EXPECTED=${client#* } python3 -c '
import json, os, sys
account = json.load(sys.stdin)
assert account["points"] == int(os.environ["EXPECTED"]), account'
done
./klientela down
"""


def story() -> str:
    """Return the commands of the story with what must be true after them; the one that stops the suite comes last."""
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    blocks = BLOCKS.findall(text[text.index("## One order on its way") : text.index("## Commands")])
    further = BLOCKS.findall((PROJECT / "docs" / "walking-order.md").read_text(encoding="utf-8"))
    assert (len(blocks), len(further)) == (5, 5)
    assert not re.search(r"127\.0\.0\.1|localhost", "".join(blocks)), "an address holds for one --port-base only"
    return "".join([*blocks[:-1], AFTER_README, *further, AT_THE_END])


def test_what_the_readme_removes_outside_the_clone_is_all_and_only_ours(tmp_path: Path) -> None:
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    jars, cache, as_root = BLOCKS.findall(text[text.index("## What is where") :])[0].splitlines()
    files = [tmp_path / "m2" / jar.path for jar in locked()]
    others = [tmp_path / "m2" / "other.jar", tmp_path / "cache" / "other"]
    files.append(tmp_path / "cache" / "klientela" / "kafka.aot")
    for file in (*files, *others):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    environment = os.environ | {"M2_REPO": str(tmp_path / "m2"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    call = ["/bin/sh", "-euc", f"{jars}\n{cache}"]
    subprocess.run(call, cwd=PROJECT, env=environment, check=True)  # noqa: S603 - our own commands
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(others)
    assert as_root.startswith(f"rm -rf {SHARED} && userdel {ACCOUNT}")


@pytest.fixture
def script(tmp_path: Path) -> Iterator[str]:
    """Give the README's commands, led to ports and data of this test; stop what they started."""
    base, data = free_base(), tmp_path / "data"
    text = "set -eu\n" + story()
    text = text.replace("./klientela up --detach", f"./klientela up --detach --port-base {base}")
    yield re.sub(r"(\./klientela \w+)", rf"\1 --data {data}", text)
    down = [str(PROJECT / "klientela"), "down", "--data", str(data)]
    subprocess.run(down, cwd=PROJECT, check=False)  # noqa: S603 - our own command


def test_the_story_of_the_readme_is_true_to_its_end(script: str) -> None:
    done = subprocess.run(
        ["/bin/sh"], input=script, cwd=PROJECT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
