"""`klientela keys`: access keys for people and programs, made and revoked by the clients service."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from rich.console import Console
from rich.table import Column

from chassis.web.keys import ROLES
from klientela.errors import Refusal
from klientela.layout import DataDirectory
from klientela.operator_key import NEW_KEY, keep_operator_key, kept_in
from klientela.running import Apis, Refused, RunningSuite
from klientela.services import KEY_OWNER as OWNER
from klientela.tables import table, terminal

ACTIONS = ("list", "create", "revoke", "rotate", "forget-old")
OWN_KEY = "own-key"
"""The slug by which a key is refused to revoke itself."""


def list_keys(layout: DataDirectory, *, as_json: bool) -> int:
    """Print the keys that were made, without their texts."""
    with RunningSuite.of(layout).apis() as apis:
        found = list(apis.pages(OWNER, "/v1/keys"))
    if as_json:
        print(json.dumps({"items": found}, ensure_ascii=False))
        return 0
    lines = table(Column("id", no_wrap=True), "name", Column("role", no_wrap=True), Column("good", no_wrap=True))
    for key in found:
        lines.add_row(key["id"], key["name"], key["role"], how_long(key))
    terminal().print(lines)
    return 0


def how_long(key: Mapping[str, Any]) -> str:
    """Until when a key is good, or since when it is not."""
    if key["revoked_at"]:
        return f"revoked {key['revoked_at'][:10]}"
    return f"until {key['expires_at'][:10]}" if key["expires_at"] else "for ever"


def create_key(layout: DataDirectory, *, name: str | None, role: str | None, days: int | None, as_json: bool) -> int:
    """Make a key and print it: its text on stdout is shown this once."""
    wanted = checked(name, role, days, datetime.now(UTC))
    with RunningSuite.of(layout).apis() as apis:
        made = apis.ask("POST", OWNER, "/v1/keys", body=wanted)
    if as_json:
        print(json.dumps(made, ensure_ascii=False))
        return 0
    Console(stderr=True, highlight=False).print(
        f"Key {made['id']} for {name} with the role {role}. It is shown this once:", markup=False, soft_wrap=True
    )
    print(made["key"])
    return 0


def checked(name: str | None, role: str | None, days: int | None, now: datetime) -> dict[str, Any]:
    """What the service is asked for. Raises Refusal for what it would refuse."""
    if not name or not role:
        raise Refusal("Say for whom and what for: `keys create --name NAME --role ROLE`.")
    if role not in ROLES:
        raise Refusal(f"There is no role {role}; there are {', '.join(ROLES)}.")
    return {"name": name, "role": role} | ({"expires_at": (now + timedelta(days=days)).isoformat()} if days else {})


def revoke_key(layout: DataDirectory, key: str | None, *, as_json: bool) -> int:
    """Revoke a key: every service refuses it from the moment on that it hears of it."""
    try:
        identity = UUID(key or "")
    except ValueError:
        what = f"{key} is no id of a key" if key else "Say which"
        raise Refusal(f"{what}: `keys revoke ID`. `keys list` shows the ids.") from None
    suite = RunningSuite.of(layout)
    with suite.apis() as apis:
        known = any(made["id"] == str(identity) for made in apis.pages(OWNER, "/v1/keys"))
    try:
        with suite.apis() as apis:
            revoked = revoke(apis, identity)
    except Refused as refused:
        if refused.slug != OWN_KEY:
            raise
        revoked = replace(layout, suite, identity)
    if as_json:
        print(json.dumps(revoked, ensure_ascii=False))
        return 0
    print(f"Key {identity} is revoked since {revoked['revoked_at'][:19].replace('T', ' ')} UTC.")
    if not known:
        print("No key with this id was made here. Should there be one, it is refused.")
    if "replaced_by" in revoked:
        print(f"It was the first operator's. The new one, {revoked['replaced_by']}, is in {kept_in(layout)}.")
    return 0


def revoke(apis: Apis, key: UUID) -> dict[str, Any]:
    """Ask the owner of keys to revoke one."""
    return apis.ask("DELETE", OWNER, f"/v1/keys/{key}")


def replace(layout: DataDirectory, suite: RunningSuite, key: UUID) -> dict[str, Any]:
    """Revoke the first operator's key with a new one in its place, so that nobody is locked out."""
    with suite.apis() as apis:
        made = apis.ask("POST", OWNER, "/v1/keys", body=NEW_KEY)
    keep_operator_key(layout, made["key"])
    with suite.with_key(made["key"]).apis() as apis:
        return revoke(apis, key) | {"replaced_by": made["id"]}


def keys(
    layout: DataDirectory,
    action: str,
    key: str | None,
    *,
    name: str | None,
    role: str | None,
    days: int | None,
    as_json: bool,
) -> int:
    """List, create, revoke, or change what signs; the exit code."""
    if action == "list":
        return list_keys(layout, as_json=as_json)
    if action == "create":
        return create_key(layout, name=name, role=role, days=days, as_json=as_json)
    if action == "revoke":
        return revoke_key(layout, key, as_json=as_json)
    if action in {"rotate", "forget-old"}:
        from klientela import rotation

        return (rotation.rotate if action == "rotate" else rotation.forget_old)(layout, as_json=as_json)
    raise Refusal(f"`{action}` cannot be done with keys; what can is {', '.join(ACTIONS)}.")
