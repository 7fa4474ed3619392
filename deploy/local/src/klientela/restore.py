"""`klientela restore`: put a backup in place of the present data, in a way that every service notices."""

import json
import os
import subprocess
import tarfile
import tempfile
import uuid
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from klientela.errors import Refusal
from klientela.layout import DataDirectory, difference, write_private
from klientela.orphans import end_orphans
from klientela.own_servers import VARIABLES, own_parts
from klientela.postgres_binaries import programs
from klientela.supervisor import Start, ownership

PARTS = ("postgres", "kafka", "secrets")
"""What a restore replaces. Kafka's data is not in a backup: the services fill their topics again from their logs."""


def restore(layout: DataDirectory, source: Path) -> int:
    """Restore and say where the old data is; the exit code."""
    refuse_elsewhere(layout)
    if not source.is_file():
        raise Refusal(f"{source} is not a file.")
    layout.prepare()
    with ownership(layout), tempfile.TemporaryDirectory(prefix="restore-", dir=layout.root) as work:
        end_orphans(layout)
        unpacked = Path(work)
        unpack(source, unpacked)
        write_private(unpacked / "secrets" / "restore-stamp", str(uuid.uuid4()))
        layout.restoring.touch(mode=0o600)
        aside = set_aside(layout)
        for part in ("postgres", "secrets"):
            (unpacked / part).rename(layout.root / part)
        layout.restoring.unlink()
    Console(stderr=True, highlight=False).print(
        f"Restored from {source}. The data from before is in {aside}; delete it when you are sure. "
        + kafka_after(aside)
        + " Keys that were revoked since the backup was made are good again: look at `klientela keys` after the next"
        " `up`, and revoke them once more. So are the signing keys of that day, with all that they signed: if one was"
        " forgotten since, `klientela keys rotate` and `keys forget-old` again.",
        soft_wrap=True,
    )
    return 0


def refuse_elsewhere(layout: DataDirectory) -> None:
    """Raise Refusal when databases are not here, as the environment says or as it was at the last start."""
    start = Start.read(layout)
    parts = dict.fromkeys((*own_parts(os.environ), *(start.elsewhere if start else ())))
    own = [part for part in parts if part != "kafka"]
    if own:
        raise Refusal(
            f"The databases of {', '.join(own)} are in a PostgreSQL of your own, as the environment or the last start "
            "says, and a restore does not reach them. Nothing was changed. Restore them by that server's own means. If "
            f"they are to be here from now on, unset {', '.join(VARIABLES[part] for part in own)}, let "
            "`klientela up --moved` and `down` make them here, then restore."
        )


def kafka_after(aside: Path) -> str:
    """What a restore means for Kafka, ours or the user's."""
    if (aside / "kafka").exists():
        return "With it is what channels had written to intake.orders and the suite had not yet taken in."
    return "A Kafka of your own stays as it is: the services write their topics on from the restored data."


def unpack(source: Path, work: Path) -> None:
    """Unpack a backup and check it against its manifest, before anything of the present data is touched."""
    try:
        with tarfile.open(source) as tar:
            extract(tar, work)
        reason = difference(json.loads((work / "format.json").read_text()))
        parts = work / "postgres"
        cluster = parts / "data"
        for name, place in (("base.tar", cluster), ("pg_wal.tar", cluster / "pg_wal")):
            place.mkdir(mode=0o700, exist_ok=True)
            with tarfile.open(parts / name) as tar:
                extract(tar, place)
            (parts / name).unlink()
        (parts / "backup_manifest").rename(cluster / "backup_manifest")
    except tarfile.ReadError as error:
        raise Refusal(f"{source} is no backup, or not a whole one. Nothing was changed.") from error
    except FileNotFoundError as error:
        lacks = Path(str(error.filename)).name
        raise Refusal(f"{source} is no backup of Klientela: it lacks {lacks}. Nothing was changed.") from error
    except (OSError, tarfile.TarError, KeyError, ValueError) as error:
        raise Refusal(f"{source} is not a whole backup of Klientela ({error}). Nothing was changed.") from error
    if reason:
        raise Refusal(f"{source} cannot be used by this Klientela: {reason}. Nothing was changed.")
    verify(cluster, source)
    for folder in (work / "secrets", parts, cluster):
        folder.chmod(0o700)


def extract(tar: tarfile.TarFile, place: Path) -> None:
    """Unpack files and folders that stay below a place, as the filter of PEP 706 would, which Python 3.11.2 lacks."""
    for member in tar:
        target = (place / member.name).resolve()
        if not (member.isfile() or member.isdir()) or not target.is_relative_to(place.resolve()):
            raise tarfile.TarError(f"{member.name} does not belong into a backup")
        tar.extract(member, place)


def verify(cluster: Path, source: Path) -> None:
    """Compare every file with the checksums that PostgreSQL wrote when it was copied."""
    command = [str(programs(None) / "pg_verifybackup"), "--quiet", "--wal-directory", str(cluster / "pg_wal")]
    done = subprocess.run([*command, str(cluster)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refusal(f"{source} is damaged. Nothing was changed.\n{done.stderr.strip()}")


def set_aside(layout: DataDirectory) -> Path:
    """Move the present data into a dated folder beside it."""
    aside = layout.root / "set-aside" / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    aside.mkdir(mode=0o700, parents=True)
    for part in PARTS:
        if (layout.root / part).exists():
            (layout.root / part).rename(aside / part)
    return aside
