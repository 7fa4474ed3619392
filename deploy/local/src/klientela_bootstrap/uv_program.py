"""uv: from the PATH, else from a private environment, else its wheel alone. Standard library only."""

import base64
import hashlib
import html
import platform
import re
import shutil
import ssl
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from klientela_bootstrap.package_index import user_file

PINNED = Path(__file__).with_name("uv.txt")
"""uv's version and the hashes of its wheels, in pip's own format."""


class Unavailable(Exception):
    """uv or what it should install cannot be had; the message says what to do."""


def find_uv(tools: Path, environment: Mapping[str, str], say: Callable[[str], None]) -> Path:
    """The program, in the first of three ways that works."""
    found = shutil.which("uv", path=environment.get("PATH"))
    private = tools / "uv" / "bin" / "uv"
    if found:
        return Path(found)
    if not private.exists():
        say("Fetching uv, which installs Python packages (once)")
        if not by_pip(tools / "uv"):
            by_wheel(tools / "uv", environment)
    return private


def by_pip(folder: Path) -> bool:
    """Install uv into a private environment with pip, which reads the machine's settings itself."""
    made = subprocess.run([sys.executable, "-m", "venv", str(folder)], capture_output=True, check=False)
    if made.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        return False
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    done = subprocess.run(
        [str(folder / "bin" / "python"), *install, "--only-binary=:all:", "--requirement", str(PINNED)],
        stdout=sys.stderr,
        check=False,
    )
    if done.returncode or not (folder / "bin" / "uv").exists():
        shutil.rmtree(folder, ignore_errors=True)
        return False
    return True


def by_wheel(folder: Path, environment: Mapping[str, str]) -> None:
    """Without pip: take this machine's wheel from the index, check it against the pinned hashes, unpack the program."""
    index = environment.get("UV_DEFAULT_INDEX") or environment.get("UV_INDEX_URL")
    if not index:
        raise Unavailable(
            "This Python has neither venv nor pip, so uv has to come from a package index as it is, and none is named. "
            "Set PIP_INDEX_URL or UV_DEFAULT_INDEX to your index's address, which ends in /simple, or write it as "
            f"index-url below [global] into {user_file(environment)}; "
            "or install your system's python3-venv; or put uv on the PATH. Then try again."
        )
    try:
        address, sha256 = wheel_for_here(f"{index.rstrip('/')}/uv/", environment)
        content = read(address, environment)
    except (OSError, urllib.error.URLError) as error:
        raise Unavailable(
            f"uv could not be fetched from the package index {without_password(index)} ({error}). Check the "
            "connection, PIP_INDEX_URL and PIP_CERT or pip's files, or install uv yourself and put it on the PATH."
        ) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise Unavailable("The package index gave a uv that is not the pinned one. Nothing of it was used.")
    target = folder / "bin" / "uv"
    target.parent.mkdir(parents=True, exist_ok=True)
    wheel = folder / "uv.whl"
    wheel.write_bytes(content)
    with zipfile.ZipFile(wheel) as archive:
        inside = next(name for name in archive.namelist() if name.endswith(".data/scripts/uv"))
        draft = target.with_name("uv.new")
        draft.write_bytes(archive.read(inside))
    draft.chmod(0o755)
    draft.replace(target)
    wheel.unlink()


def wheel_for_here(page: str, environment: Mapping[str, str]) -> tuple[str, str]:
    """The address and the pinned hash of the wheel for this machine, from the index's page of uv."""
    pinned = PINNED.read_text()
    version = re.search(r"^uv==(\S+)", pinned, re.MULTILINE)
    hashes = set(re.findall(r"sha256:([0-9a-f]{64})", pinned))
    for link in re.findall(r'href="([^"]+)"', read(page, environment).decode()):
        address, _, fragment = html.unescape(link).partition("#")
        name = urllib.parse.unquote(address.rpartition("/")[2])
        sha256 = fragment.removeprefix("sha256=")
        if version and name.startswith(f"uv-{version[1]}-") and suits(name) and sha256 in hashes:
            return urllib.parse.urljoin(page, address), sha256
    raise Unavailable("The package index has no uv for this machine. Install uv yourself and put it on the PATH.")


def suits(wheel: str) -> bool:
    """Whether a wheel runs here, as far as its name tells."""
    machine = platform.machine().lower()
    if not wheel.endswith(".whl"):
        return False
    if sys.platform == "darwin":
        return "macosx" in wheel and machine in wheel
    libc = "manylinux" if platform.libc_ver()[0] == "glibc" else "musllinux"
    return libc in wheel and wheel.endswith(f"_{machine}.whl")


def without_password(address: str) -> str:
    """An address without the name and password that may stand in it."""
    parts = urllib.parse.urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def read(address: str, environment: Mapping[str, str]) -> bytes:
    """The content of an address; certificates, names and passwords are those that pip was told."""
    request = urllib.request.Request(without_password(address))
    parts = urllib.parse.urlsplit(address)
    if parts.username is not None:
        said = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        request.add_unredirected_header("Authorization", "Basic " + base64.b64encode(said.encode()).decode())
    trusted = ssl.create_default_context(cafile=environment.get("SSL_CERT_FILE"))
    with urllib.request.urlopen(request, timeout=60, context=trusted) as answer:
        content: bytes = answer.read()
    return content
