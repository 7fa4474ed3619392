"""Keys: signed tokens (JWS compact, Ed25519, RFC 7515 and 9864) that carry id, role, channel and expiry."""

import json
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

ROLES = ("viewer", "operator", "manager", "admin")
"""Roles of people, each may do what those before it may."""

OTHER_ROLES = ("channel", "service")

UNREADABLE = (
    JoseError, ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError, OSError,
)  # fmt: skip
"""What is raised for texts that are no keys; the last two for an expiry that no clock has."""


class Key(NamedTuple):
    """Who is asking; ``signed_by`` is the id of the signing key."""

    id: UUID
    role: str
    name: str
    channel: UUID | None = None
    expires_at: datetime | None = None
    signed_by: str = ""

    def may(self, role: str) -> bool:
        """Tell whether the key's role includes another one; services may read what viewers may.

        >>> Key(UUID(int=1), "manager", "Eva").may("operator"), Key(UUID(int=1), "viewer", "Eva").may("operator")
        (True, False)
        """
        if self.role == role:
            return True
        if self.role == "service":
            return role == "viewer"
        return role in ROLES and self.role in ROLES and ROLES.index(self.role) >= ROLES.index(role)


class BadKey(ValueError):
    """The token is not one of ours, or no longer good."""


def new_signing_key() -> str:
    """Return a new private key as JWK text; its ``kid`` tells keys apart when they are rotated."""
    key = OKPKey.generate_key("Ed25519", {"kid": uuid4().hex, "use": "sig", "alg": "Ed25519"}, private=True)
    return json.dumps(key.as_dict(private=True))


def public_keys(*private: str) -> str:
    """Return the JWK set of the public halves: what every service is given."""
    return json.dumps({"keys": [OKPKey.import_key(json.loads(text)).as_dict(private=False) for text in private]})


def sign_key(
    private: str,
    *,
    role: str,
    name: str,
    key_id: UUID | None = None,
    channel: UUID | None = None,
    expires_at: datetime | None = None,
) -> str:
    """Return a signed token. Raises ValueError for an unknown role."""
    if role not in ROLES + OTHER_ROLES:
        message = f"no such role: {role}"
        raise ValueError(message)
    key = OKPKey.import_key(json.loads(private))
    claims: dict[str, Any] = {"jti": str(key_id or uuid4()), "role": role, "name": name}
    if channel:
        claims["channel"] = str(channel)
    if expires_at:
        claims["exp"] = int(expires_at.timestamp())
    return jws.serialize_compact({"alg": "Ed25519", "kid": key.kid}, json.dumps(claims), key, algorithms=["Ed25519"])


class KeyReader:
    """Reads tokens with the suite's public keys."""

    def __init__(self, public: str) -> None:
        self._keys = KeySet.import_key_set(json.loads(public))
        self._known: dict[str, Key] = {}

    def read(self, token: str, now: datetime | None = None) -> Key:
        """Return who holds a token. Raises BadKey."""
        key = self._known.get(token) or self._verify(token)
        if key.expires_at and key.expires_at <= (now or datetime.now(UTC)):
            message = "The key has expired."
            raise BadKey(message)
        return key

    def _verify(self, token: str) -> Key:
        try:
            read = jws.deserialize_compact(token, self._keys, algorithms=["Ed25519"])
            claims = json.loads(read.payload)
            key = Key(
                UUID(claims["jti"]),
                claims["role"],
                claims["name"],
                UUID(claims["channel"]) if "channel" in claims else None,
                datetime.fromtimestamp(claims["exp"], UTC) if "exp" in claims else None,
                str(read.headers().get("kid", "")),
            )
        except UNREADABLE as error:
            message = "The key is not one of this suite."
            raise BadKey(message) from error
        if len(self._known) > 10_000:  # noqa: PLR2004 - a bound on memory
            self._known.clear()
        self._known[token] = key
        return key
