"""Keys and passwords of a suite: made at the first start, kept in `secrets/`, never in an environment or a log."""

import secrets
from collections.abc import Callable

from chassis.web.keys import new_signing_key, public_keys, sign_key
from klientela.layout import DataDirectory, write_private
from klientela.signing_keys import PUBLIC_KEYS, SERVICE_KEY, SIGNING_KEY

SUPERUSER_PASSWORD = "postgres-password"  # noqa: S105  (the name of a file)


def make_missing(layout: DataDirectory) -> None:
    """Make whatever secret does not exist yet; one that exists is never touched."""
    signing = layout.secrets / SIGNING_KEY
    if not signing.exists():
        write_private(signing, new_signing_key())
    private = signing.read_text()
    texts: dict[str, Callable[[], str]] = {
        PUBLIC_KEYS: lambda: public_keys(private),
        SERVICE_KEY: lambda: sign_key(private, role="service", name="service"),
    }
    for name, make in texts.items():
        if not (layout.secrets / name).exists():
            write_private(layout.secrets / name, make())


def password(layout: DataDirectory, name: str) -> str:
    """A random password with a name, the same at every start."""
    path = layout.secrets / name
    if not path.exists():
        write_private(path, secrets.token_urlsafe(24))
    return path.read_text().strip()
