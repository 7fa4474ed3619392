"""``python -m scripts.compose_env FOLDER``: new passwords and keys for docker-compose.yml, in FOLDER.

Nothing that exists is overwritten: a database keeps the password it was made with.
"""

import os
import secrets
import sys
from pathlib import Path

from chassis.web.keys import new_signing_key, public_keys, sign_key
from schemas.catalogue import OWNERS


def environment(folder: Path) -> str:
    """Return what ``docker compose --env-file`` reads."""
    names = ["POSTGRES", *(owner.replace("-", "_").upper() for owner in OWNERS)]
    settings = {
        "KLIENTELA_UID": str(os.getuid()),
        "KLIENTELA_SECRETS": folder.as_posix(),
        "KLIENTELA_PUBLIC_URL": "http://127.0.0.1:8102",
        **{f"{name}_PASSWORD": secrets.token_hex(24) for name in names},
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def keys() -> dict[str, str]:
    """Return the files of a new suite's keys."""
    private = new_signing_key()
    return {
        "signing-key.json": private,
        "public-keys.json": public_keys(private),
        "service-key": sign_key(private, role="service", name="service"),
        "operator-key": sign_key(private, role="admin", name="first operator"),
    }


def write(path: Path, text: str) -> None:
    """Write a new file that only its owner can read. Raises FileExistsError."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def main(arguments: list[str]) -> int:
    """Write all or nothing; exit code 1 if something is there already."""
    if len(arguments) != 1:
        print("Say where the keys go: python -m scripts.compose_env FOLDER", file=sys.stderr)
        return 2
    folder = Path(arguments[0]).resolve()
    files = {folder / "env": environment(folder)} | {folder / name: text for name, text in keys().items()}
    there = [str(path) for path in files if path.exists()]
    if there:
        print(f"These exist and are kept as they are: {', '.join(there)}", file=sys.stderr)
        return 1
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path, text in files.items():
        write(path, text)
    print(f"Start with: docker compose --env-file {arguments[0]}/env up --build")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
