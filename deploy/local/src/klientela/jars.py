"""Kafka's jars: exactly those of jars.lock, checked before every start, fetched from Maven Central when missing."""

import hashlib
import os
import shutil
import ssl
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree as ET

from jgo.constants import MAVEN_CENTRAL_URL as CENTRAL

from klientela.errors import Refusal

MIRROR_VARIABLE = "KLIENTELA_MAVEN_MIRROR"
PAUSES = (1, 3)
"""Seconds before a download is tried once more: a name server asked eight times at once may stumble."""


@dataclass(frozen=True)
class Jar:
    """One line of the lock: where the jar lies in a Maven repository, and what it must be."""

    path: str
    sha256: str

    def is_whole(self, repository: Path) -> bool:
        """Whether the very file that was locked is there."""
        try:
            with (repository / self.path).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256
        except OSError:
            return False


def locked() -> list[Jar]:
    """What Kafka needs to run, in the order of the class path."""
    lines = files("klientela").joinpath("jars.lock").read_text().splitlines()
    return [Jar(path, sha256) for sha256, path in (line.split() for line in lines if not line.startswith("#"))]


def repository() -> Path:
    """The user's own Maven repository: jars already there are used, other Java tools find ours."""
    return Path(os.environ.get("M2_REPO") or Path.home() / ".m2" / "repository")


def mirror() -> str:
    """Where jars come from: the variable, else the mirror of Central in Maven's settings, else Central."""
    named = os.environ.get(MIRROR_VARIABLE)
    if named:
        return named.rstrip("/")
    try:
        settings = ET.parse(Path.home() / ".m2" / "settings.xml")  # noqa: S314  (the user's own file)
    except (OSError, ET.ParseError):
        return CENTRAL
    for entry in settings.iterfind("{*}mirrors/{*}mirror"):
        scope = (entry.findtext("{*}mirrorOf") or "").split(",")
        if {"central", "*", "external:*"} & {name.strip() for name in scope}:
            return (entry.findtext("{*}url") or CENTRAL).strip().rstrip("/")
    return CENTRAL


def class_path(progress: Callable[[str], None]) -> str:
    """The checked class path, after fetching what is missing or damaged."""
    home = repository()
    jars = locked()
    with ThreadPoolExecutor(4) as pool:
        missing = [
            jar for jar, whole in zip(jars, pool.map(lambda jar: jar.is_whole(home), jars), strict=True) if not whole
        ]
    if missing:
        fetch(missing, home, progress)
    return os.pathsep.join(str(home / jar.path) for jar in jars)


def fetch(jars: list[Jar], home: Path, progress: Callable[[str], None]) -> None:
    """Download jars; each is put in its place only when it is what the lock says."""
    source = mirror()
    progress(f"Fetching {len(jars)} jars of Apache Kafka (once, about 45 MB)")
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda jar: download(jar, home, source), jars):
            continue


def download(jar: Jar, home: Path, source: str) -> None:
    """Download one jar, once more after each pause while the network stumbles. Raises Refusal when it does not come."""
    for pause in (*PAUSES, None):
        try:
            take(jar, home, source)
            break
        except OSError as error:
            if pause is None:
                raise Refusal(
                    f"Apache Kafka could not be fetched from {source} ({error}). Check the connection, or name a "
                    f"mirror of Maven Central in {MIRROR_VARIABLE}, or point KLIENTELA_KAFKA to a Kafka of your own."
                ) from error
            time.sleep(pause)


def take(jar: Jar, home: Path, source: str) -> None:
    """Bring one jar to its place. Raises OSError when it does not come, Refusal when it is not what was locked."""
    target = home / jar.path
    draft = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with (
            urllib.request.urlopen(f"{source}/{jar.path}", timeout=60, context=trusted()) as answer,
            draft.open("wb") as file,
        ):
            shutil.copyfileobj(answer, file)
        if not Jar(str(draft.relative_to(home)), jar.sha256).is_whole(home):
            raise Refusal(f"{source}/{jar.path} is not the file that jars.lock names. Nothing of it was used.")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def trusted() -> ssl.SSLContext:
    """The certificates that the machine trusts, also those named for pip or for requests."""
    bundle = os.environ.get("SSL_CERT_FILE") or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("PIP_CERT")
    return ssl.create_default_context(cafile=bundle)
