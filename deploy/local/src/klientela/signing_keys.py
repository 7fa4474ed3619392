"""The keys that sign: which one does now, which ones are believed, and how one gives way to the next. All are files."""

import base64
import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager

from chassis.web.keys import new_signing_key, public_keys, sign_key
from klientela.errors import Refusal
from klientela.layout import DataDirectory, write_private

SIGNING_KEY = "signing-key.json"
NEXT_SIGNING_KEY = "next-signing-key.json"
"""The one that will sign as soon as every service believes it; it lies there while a rotation is under way."""
PUBLIC_KEYS = "public-keys.json"
"""What services believe, each from its next start on."""
SERVICE_KEY = "service-key"
"""What services show each other, each from its next start on."""


@contextmanager
def rotating_alone(layout: DataDirectory) -> Iterator[None]:
    """Keep a second rotation of this directory out while one is under way. Raises Refusal for the second."""
    with (layout.run / "signing-keys.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refusal("The signing keys are being changed by another command right now. Wait for it.") from None
        yield


def present(layout: DataDirectory) -> str:
    """The id of the key that signs now."""
    return id_of(layout.secret(SIGNING_KEY))


def believed(layout: DataDirectory) -> list[str]:
    """The ids of the keys whose signatures are believed, the newest first."""
    return [str(key["kid"]) for key in json.loads(layout.secret(PUBLIC_KEYS))["keys"]]


def is_cut_short(layout: DataDirectory) -> bool:
    """Whether a rotation was begun and the next key does not sign yet."""
    return (layout.secrets / NEXT_SIGNING_KEY).exists()


def prepare_next(layout: DataDirectory) -> None:
    """Make the next signing key, and put it beside those that are believed.

    One that a rotation left which was cut short has signed nothing; it is not taken up, for somebody may have seen it
    meanwhile, and is believed no longer.
    """
    waiting = layout.secrets / NEXT_SIGNING_KEY
    left = id_of(waiting.read_text()) if is_cut_short(layout) else None
    private = new_signing_key()
    write_private(waiting, private)
    before = json.loads(layout.secret(PUBLIC_KEYS))["keys"]
    new = json.loads(public_keys(private))["keys"]
    kept = [key for key in before if key["kid"] != left]
    write_private(layout.secrets / PUBLIC_KEYS, json.dumps({"keys": [*new, *kept]}))


def switch_to_next(layout: DataDirectory) -> None:
    """Let the next key sign from now on; every service has to believe it by then."""
    (layout.secrets / NEXT_SIGNING_KEY).replace(layout.secrets / SIGNING_KEY)
    sign_service_key(layout)


def sign_service_key(layout: DataDirectory) -> None:
    """Give the services a key that is signed by the present one; what they show now stays as good as it is."""
    text = sign_key(layout.secret(SIGNING_KEY), role="service", name="service")
    write_private(layout.secrets / SERVICE_KEY, text)


def forget_others(layout: DataDirectory) -> list[str]:
    """Have the present key alone believed; the ids of those that are not any more."""
    now = present(layout)
    forgotten = [key for key in believed(layout) if key != now]
    write_private(layout.secrets / PUBLIC_KEYS, public_keys(layout.secret(SIGNING_KEY)))
    return forgotten


def id_of(private: str) -> str:
    """The id of a signing key, by which what it has signed is known.

    >>> id_of('{"kid": "4f3c", "kty": "OKP"}')
    '4f3c'
    """
    return str(json.loads(private)["kid"])


def signer_of(token: str) -> str:
    """The id of the key that signed an access key."""
    head = token.partition(".")[0]
    return str(json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"])
