"""Make the project's environment from the committed lock when it is missing or old, then run the command in it.

Runs on a bare Python: nothing but the standard library may be imported here.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from klientela_bootstrap.package_index import index_settings
from klientela_bootstrap.uv_program import Unavailable, find_uv

ROOT = Path(__file__).resolve().parents[4]
LOCK = ROOT / "requirements.lock"
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
STAMP = ENVIRONMENT / ".klientela-stamp"
TOOLS = ROOT / ".klientela-tools"


def members() -> list[Path]:
    """The folders of the workspace's own packages, as the root's pyproject.toml lists them."""
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]["workspace"]["members"]
    found = [path for pattern in patterns for path in sorted(ROOT.glob(pattern))]
    return [path for path in found if (path / "pyproject.toml").exists()]


def wanted_stamp() -> str:
    """A hash of all that decides what is in the environment, and of where it is."""
    digest = hashlib.sha256(str(ROOT).encode())
    for path in (LOCK, *(member / "pyproject.toml" for member in members())):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_current() -> bool:
    """Whether the environment is already what the lock says."""
    try:
        return STAMP.read_text() == wanted_stamp() and PYTHON.exists()
    except OSError:
        return False


def say(text: str) -> None:
    """Progress, on stderr: stdout belongs to the command."""
    print(text, file=sys.stderr, flush=True)


def install() -> None:
    """Bring the environment up to the lock; two starts at once wait for each other."""
    TOOLS.mkdir(exist_ok=True)
    (TOOLS / ".gitignore").write_text("*\n")
    with (TOOLS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_current():
            return
        settings = index_settings(os.environ)
        environment = {**os.environ, **settings, "UV_PYTHON_DOWNLOADS": "never", "VIRTUAL_ENV": str(ENVIRONMENT)}
        environment.pop("UV_PROJECT_ENVIRONMENT", None)
        uv = find_uv(TOOLS, environment, say)
        say("Installing what requirements.lock names (once)")
        if not works(PYTHON):
            shutil.rmtree(ENVIRONMENT, ignore_errors=True)
            call(environment, uv, "venv", "--quiet", "--python", sys.executable, str(ENVIRONMENT))
        into = ("pip", "install", "--quiet", "--compile-bytecode", "--python", str(PYTHON))
        call(environment, uv, *into, "--require-hashes", "--no-deps", "--requirements", str(LOCK))
        editable = [part for member in members() for part in ("--editable", str(member))]
        call(environment, uv, *into, "--no-deps", *editable)
        STAMP.write_text(wanted_stamp())


def works(python: Path) -> bool:
    """Whether an environment's Python still runs: the system's may have been replaced under it."""
    try:
        return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def call(environment: dict[str, str], uv: Path, *arguments: str) -> None:
    """Run uv; what it prints is shown."""
    done = subprocess.run([str(uv), *arguments], env=environment, stdout=sys.stderr, cwd=ROOT, check=False)
    if done.returncode:
        raise Unavailable(
            "The Python packages could not be installed; uv says why above. If it is the connection: the package "
            "index and its certificates are taken from pip's settings (pip config, PIP_INDEX_URL, PIP_CERT)."
        )


def main() -> None:
    """Install if needed, then become the command."""
    try:
        if not is_current():
            install()
    except Unavailable as error:
        say(str(error))
        sys.exit(1)
    except OSError as error:
        say(f"The environment in {ENVIRONMENT} cannot be made: {error}. Check that you may write there.")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    os.execv(PYTHON, [str(PYTHON), "-m", "klientela", *sys.argv[1:]])


if __name__ == "__main__":
    main()
