"""Another signing key: what the old one signed opens until it is forgotten; services go on believing each other."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from chassis.web.keys import new_signing_key, public_keys, sign_key
from klientela import signing_keys
from klientela.errors import Refusal
from klientela.layout import DataDirectory, write_private
from tests.local.conftest import Suite, stopped_at_the_end
from tests.ports import free_base

DOORS = {
    "clients": "/v1/clients", "orders": "/v1/orders", "service-desk": "/v1/devices", "loyalty": "/v1/accounts",
    "automation": "/v1/rules",
}  # fmt: skip
"""A list of each service."""


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Suite]:
    """The real suite with servers of its own."""
    one = Suite(DataDirectory.at(tmp_path / "data"), free_base())
    with stopped_at_the_end(one):
        yield one


def answers(announcement: dict[str, Any], key: str) -> set[int]:
    """What the services answer to who shows a key."""
    headers = {"Authorization": f"Bearer {key}"}
    return {
        httpx.get(announcement["services"][name] + path, headers=headers, trust_env=False, timeout=10).status_code
        for name, path in DOORS.items()
    }


def make_with(announcement: dict[str, Any], key: str) -> dict[str, Any]:
    """What the clients service answers to who wants to make an admin's key with this one."""
    headers = {"Authorization": f"Bearer {key}"}
    body = {"name": "made with another", "role": "admin"}
    url = announcement["services"]["clients"] + "/v1/keys"
    found: dict[str, Any] = httpx.post(url, headers=headers, json=body, trust_env=False, timeout=10).json()
    return found


def said(suite: Suite, *arguments: str) -> dict[str, Any]:
    done = suite.run("keys", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_new_key_signs_and_the_old_one_is_forgotten_when_that_is_said(real: Suite) -> None:
    before = real.up()
    old = signing_keys.present(real.layout)
    leaked = real.layout.secret(signing_keys.SIGNING_KEY)
    forged = sign_key(leaked, role="admin", name="Eve")
    made_before = make_with(before, forged)
    eva = said(real, "create", "--name", "Eva", "--role", "viewer")

    rotated = said(real, "rotate")
    new = signing_keys.present(real.layout)
    assert (rotated["signing_key"], rotated["also_believed"], old != new) == (new, [old], True)
    assert [(key["name"], key["signed_by"]) for key in rotated["signed_before"]] == [
        ("first operator", old),
        ("made with another", old),
        ("Eva", old),
    ]
    petr = said(real, "create", "--name", "Petr", "--role", "viewer")
    assert (signing_keys.signer_of(petr["key"]), petr["signed_by"]) == (new, new)
    assert [answers(before, key) for key in (eva["key"], petr["key"], forged)] == [{200}] * 3
    for key in (forged, before["key"], made_before["key"]):
        assert make_with(before, key)["type"].endswith("key-signed-before")
    assert signing_keys.signer_of(real.layout.secret("service-key")) == new

    forgotten = said(real, "forget-old")
    assert (forgotten["signing_key"], forgotten["forgotten"]) == (new, [old])
    assert [key["name"] for key in forgotten["ended"]] == ["first operator", "made with another", "Eva"]
    gone = (eva["key"], before["key"], forged, made_before["key"])
    assert [answers(before, key) for key in gone] == [{401}] * 4
    assert [make_with(before, key)["type"].rpartition("/")[2] for key in gone] == ["key-needed"] * 4
    assert answers(before, petr["key"]) == {200}
    assert signing_keys.believed(real.layout) == [new]
    listed = {key["name"]: bool(key["revoked_at"]) for key in said(real, "list")["items"] if key["signed_by"] == old}
    assert listed == {"first operator": True, "made with another": True, "Eva": True}
    after = real.up()
    assert (after == before | {"key": after["key"]}, answers(after, after["key"])) == (True, {200})

    logs = [line for name in DOORS for line in (real.layout.logs / f"{name}.log").read_text().splitlines()]
    assert not [line for line in logs if "feed does not answer" in line and "HTTPStatusError" in line]
    assert real.run("verify").returncode == 0


def test_what_was_cut_short_is_begun_anew_and_not_forgotten_over(tmp_path: Path) -> None:
    layout = kept_keys(tmp_path)
    old = signing_keys.present(layout)
    signing_keys.prepare_next(layout)
    (left, _) = signing_keys.believed(layout)
    assert signing_keys.is_cut_short(layout)
    signing_keys.prepare_next(layout)
    (new, also) = signing_keys.believed(layout)
    assert (also, new != left, signing_keys.present(layout)) == (old, True, old)
    signing_keys.switch_to_next(layout)
    assert (signing_keys.present(layout), signing_keys.is_cut_short(layout)) == (new, False)
    assert (signing_keys.forget_others(layout), signing_keys.believed(layout)) == ([old], [new])


def test_two_do_not_change_the_signing_keys_at_once(tmp_path: Path) -> None:
    layout = kept_keys(tmp_path)
    with (
        signing_keys.rotating_alone(layout),
        pytest.raises(Refusal, match="by another command"),
        signing_keys.rotating_alone(layout),
    ):
        pass


def test_a_suite_that_is_down_is_told_to_be_started_first(tmp_path: Path) -> None:
    layout = kept_keys(tmp_path)
    before = layout.secret(signing_keys.SIGNING_KEY)
    one = Suite(layout, free_base())
    for action in ("rotate", "forget-old"):
        done = one.run("keys", action)
        assert (done.returncode, "Start it with `klientela up`" in done.stderr) == (1, True)
    assert layout.secret(signing_keys.SIGNING_KEY) == before


def kept_keys(root: Path) -> DataDirectory:
    """A directory with the keys of a suite, and nothing that runs."""
    layout = DataDirectory.at(root / "data")
    layout.prepare()
    private = new_signing_key()
    write_private(layout.secrets / signing_keys.SIGNING_KEY, private)
    write_private(layout.secrets / signing_keys.PUBLIC_KEYS, public_keys(private))
    return layout


def test_a_cut_rotation_is_finished_before_anything_is_forgotten(suite: Suite) -> None:
    suite.up()
    old = signing_keys.present(suite.layout)
    signing_keys.prepare_next(suite.layout)
    done = suite.run("keys", "forget-old")
    assert (done.returncode, "Run `klientela keys rotate` again" in done.stderr) == (1, True)
    assert old in signing_keys.believed(suite.layout)
