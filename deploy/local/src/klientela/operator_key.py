"""The first operator's key: made by the clients service as all others are, so that it is listed and can be revoked."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chassis.web.keys import sign_key
from klientela.errors import Refusal
from klientela.layout import DataDirectory, write_private
from klientela.signing_keys import SIGNING_KEY

OPERATOR_KEY = "operator-key"
NEW_KEY = {"name": "first operator", "role": "admin"}
PASS = timedelta(minutes=10)
"""How long a key is good that a command signs for itself."""


def ensure_operator_key(layout: DataDirectory, clients: str, progress: Callable[[str], None]) -> str:
    """The key as it is kept, or a new one in its place when there is none or it was revoked.

    Whoever may read the signing key owns the suite, so a revoked key never locks its owner out.
    """
    kept = kept_in(layout)
    text = kept.read_text().strip() if kept.exists() else ""
    if text and not refused(clients, text):
        return text
    progress("Making a key for the first operator")
    return make_operator_key(layout, clients)


def make_operator_key(layout: DataDirectory, clients: str) -> str:
    """Have a key made that the present signing key signs, and keep it. Raises Refusal."""
    try:
        status, made = ask(clients, "POST", pass_of(layout), NEW_KEY)
    except (OSError, HTTPException, ValueError) as error:
        raise Refusal(f"The service clients does not answer ({error}). Try `klientela up` again.") from error
    if status != HTTPStatus.CREATED:
        raise Refusal(f"The service clients made no key for the first operator (HTTP status {status}).")
    return keep_operator_key(layout, made["key"])


def pass_of(layout: DataDirectory) -> str:
    """A key for what a command has to do; nobody else knows its id, so nobody revokes it meanwhile."""
    until = datetime.now(UTC) + PASS
    return sign_key(layout.secret(SIGNING_KEY), role="admin", name="klientela", expires_at=until)


def refused(clients: str, key: str) -> bool:
    """Whether the clients service says that a key is not good; one that says nothing just now has not said so."""
    try:
        return ask(clients, "GET", key)[0] == HTTPStatus.UNAUTHORIZED
    except (OSError, HTTPException, ValueError):
        return False


def keep_operator_key(layout: DataDirectory, text: str) -> str:
    """Put a key where commands find it; the key."""
    write_private(kept_in(layout), text)
    return text


def kept_in(layout: DataDirectory) -> Path:
    """The file with the key."""
    return layout.secrets / OPERATOR_KEY


def ask(clients: str, method: str, key: str, body: object = None) -> tuple[int, Any]:
    """What the clients service answers about keys."""
    connection = HTTPConnection(urlsplit(clients).netloc, timeout=10)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    try:
        connection.request(method, "/v1/keys", json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()
