"""`klientela backup`: one file with every database at one instant and every secret, taken while the suite runs."""

import os
import subprocess
import tarfile
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from klientela.errors import Refusal
from klientela.layout import DataDirectory
from klientela.ports import HOST
from klientela.postgres import SUPERUSER
from klientela.postgres_binaries import programs
from klientela.running import not_up
from klientela.supervisor import Start, announced

OWN_CLUSTER = (
    "Databases of this suite are in a PostgreSQL of your own ({names}), which is not copied from here. Back them up by "
    "its own means (pg_basebackup, or your provider's snapshots), all at one instant or with the suite down, "
    "and keep a copy of {secrets} beside it."
)


def backup(layout: DataDirectory, target: Path) -> int:
    """Write the backup and say where it is; the exit code."""
    announcement = announced(layout)
    if not announcement:
        raise not_up(layout)
    start = Start.read(layout)
    names = [name for name in start.elsewhere if name != "kafka"] if start else []
    if names or not announcement["postgres"]:
        raise Refusal(OWN_CLUSTER.format(names=", ".join(names), secrets=layout.secrets))
    file = destination(target)
    with tempfile.TemporaryDirectory(prefix="backup-", dir=layout.root) as work:
        copy_cluster(Path(work), announcement["postgres"], layout)
        pack(layout, Path(work), file)
    Console(stderr=True, highlight=False).print(
        f"Written to {file}. It holds all data and all keys: keep it where nobody else can read it.", soft_wrap=True
    )
    print(file)
    return 0


def destination(target: Path) -> Path:
    """The file to write: the one named, or a dated one in the directory named. An existing file is never replaced."""
    if target.is_dir():
        target = target / f"klientela-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar"
    if target.exists():
        raise Refusal(f"{target} exists already. Name another file.")
    if not target.absolute().parent.is_dir():
        raise Refusal(f"{target.absolute().parent} is not a directory. Make it first, or name another place.")
    return target.absolute()


def copy_cluster(work: Path, dsn: str, layout: DataDirectory) -> None:
    """Copy the cluster as PostgreSQL's own tool does it: base.tar, pg_wal.tar and a manifest with checksums."""
    port = dsn.rpartition(":")[2].partition("/")[0]
    command = [str(programs(None) / "pg_basebackup"), "--pgdata", str(work), "--format=tar", "--wal-method=stream"]
    command += ["--checkpoint=fast", "--host", HOST, "--port", port, "--username", SUPERUSER, "--no-password"]
    environment = {"PATH": os.defpath, "PGPASSWORD": layout.secret("postgres-password")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refusal(f"PostgreSQL could not be copied, so there is no backup: {done.stderr.strip()}")


def pack(layout: DataDirectory, work: Path, file: Path) -> None:
    """Put all into one file that only its owner can read, whole or not at all."""
    draft = file.with_name(file.name + ".part")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as output:
            with tarfile.open(fileobj=output, mode="w") as tar:
                tar.add(layout.format, "format.json")
                tar.add(layout.secrets, "secrets")
                for part in sorted(work.iterdir()):
                    tar.add(part, f"postgres/{part.name}")
            output.flush()
            os.fsync(output.fileno())
        draft.replace(file)
    except OSError as error:
        raise Refusal(f"The backup could not be written to {file}: {error.strerror}.") from error
    finally:
        draft.unlink(missing_ok=True)
