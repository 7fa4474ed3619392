"""Access keys over HTTP; only an admin makes and revokes them."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Request
from pydantic import BaseModel, Field

from chassis.errors import BusinessError
from chassis.web.idempotency import show_once
from chassis.web.paging import Count, Cursor, Limit, Page, page_of
from chassis.web.route import Administers, router
from clients import commands
from clients.http.cursors import after_moment
from clients.http.models import Body
from clients.store import keys
from schemas.values import Instant, Name

routes = router("keys")


class CannotSign(BusinessError):
    """This process has no signing key: set KLIENTELA_SIGNING_KEY."""

    slug = "cannot-sign"
    status = 503


SIGNED_BEFORE = (
    "Your key was signed by an older signing key and makes no keys any more. Ask with one that was made since the "
    "signing key changed: `klientela keys rotate` leaves one for the first operator; run it again if it was cut short."
)


class SignedBefore(BusinessError):
    """Whoever has an older signing key would have the present one sign, and survive ``klientela keys forget-old``."""

    slug = "key-signed-before"
    status = 403


class NewKey(Body):
    """A key to make: for whom, what it may do, and until when."""

    name: Annotated[Name, Field(pattern=r"^[^\x00-\x1f\x7f]+$")]
    role: Literal["viewer", "operator", "manager", "admin"]
    expires_at: Instant | None = None


class ShownKey(BaseModel):
    """A key without its text."""

    id: UUID
    name: str
    role: str
    expires_at: datetime | None
    created_by: str
    signed_by: str | None = Field(description="The id of the signing key; null where an older release made the key")
    created_at: datetime
    revoked_at: datetime | None


class MadeKey(ShownKey):
    """A key with its text, which is shown this once."""

    key: str


class OwnKey(BusinessError):
    """A key cannot revoke itself: do it with another admin's key, so that somebody can still get in."""

    slug = "own-key"
    status = 409


class RevokedKey(BaseModel):
    """A key that is no longer good."""

    id: UUID
    revoked_at: datetime


def _signing_key(request: Request) -> str:
    path: Path | None = request.app.state.settings.signing_key
    if path is None:
        raise CannotSign
    return path.read_text(encoding="utf-8")


@routes.post("/keys", status_code=201)
async def make_key(
    request: Request, unit: Administers, body: NewKey, signing_key: Annotated[str, Depends(_signing_key)]
) -> MadeKey:
    """Make a key; its text is in this answer and nowhere else. What signs it has to have signed the one that asks."""
    if request.state.key.signed_by != json.loads(signing_key)["kid"]:
        raise SignedBefore(SIGNED_BEFORE)
    show_once(request)
    stored, text = await commands.make_key(
        unit, signing_key, name=body.name, role=body.role, expires_at=body.expires_at
    )
    return MadeKey(**stored._asdict(), key=text)


@routes.get("/keys")
async def list_keys(
    unit: Administers, limit: Limit = 100, cursor: Cursor = None, *, count: Count = False
) -> Page[ShownKey]:
    """List the keys that were made here, the oldest first."""
    rows = await keys.list_keys(unit.connection, after_moment(cursor), limit + 1)
    page = page_of(rows, limit, lambda row: (row.created_at, row.id), lambda row: ShownKey(**row._asdict()))
    page.count = await keys.count_keys(unit.connection) if count else None
    return page


@routes.delete("/keys/{key_id}")
async def revoke_key(request: Request, unit: Administers, key_id: UUID) -> RevokedKey:
    """Revoke any key of the suite but the one that asks, also one that was not made here; twice is as once."""
    if request.state.key.id == key_id:
        raise OwnKey
    return RevokedKey(id=key_id, revoked_at=await commands.revoke_key(unit, key_id))
