"""`klientela keys`: access keys for people and programs, made and revoked by the clients service."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from rich.console import Console
from rich.table import Column, Table

from chassis.web.keys import ROLES
from klientela.errors import Refusal
from klientela.layout import DataDirectory
from klientela.running import Apis, RunningSuite

ACTIONS = ("list", "create", "revoke")
OWNER = "clients"


def list_keys(layout: DataDirectory, *, as_json: bool) -> int:
    """Print the keys that were made, without their texts."""
    with RunningSuite.of(layout).apis() as apis:
        found = list(apis.pages(OWNER, "/v1/keys"))
    if as_json:
        print(json.dumps({"items": found}, ensure_ascii=False))
        return 0
    table = Table(Column("id", no_wrap=True), "name", "role", "until", "revoked")
    for key in found:
        table.add_row(key["id"], key["name"], key["role"], key["expires_at"] or "for ever", key.get("revoked_at") or "")
    console = Console(highlight=False, markup=False)
    console.print(table) if found else console.print("No keys were made yet; `keys create` makes one.")
    return 0


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
        raise Refusal("Say which: `keys revoke ID`. `keys list` shows the ids.") from None
    with RunningSuite.of(layout).apis() as apis:
        revoked = revoke(apis, identity)
    print(json.dumps(revoked, ensure_ascii=False) if as_json else f"Key {identity} is revoked.")
    return 0


def revoke(apis: Apis, key: UUID) -> dict[str, Any]:
    """Ask the owner of keys to revoke one."""
    return apis.ask("DELETE", OWNER, f"/v1/keys/{key}")


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
    """List, create or revoke; the exit code."""
    if action == "list":
        return list_keys(layout, as_json=as_json)
    if action == "create":
        return create_key(layout, name=name, role=role, days=days, as_json=as_json)
    if action == "revoke":
        return revoke_key(layout, key, as_json=as_json)
    raise Refusal(f"`{action}` cannot be done with keys; what can is {', '.join(ACTIONS)}.")
