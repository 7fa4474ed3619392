"""The entrance on a machine that has only Python."""

import base64
import hashlib
import io
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from klientela.layout import PROJECT
from klientela_bootstrap import package_index, uv_program

WHEEL = "uv-9.9-py3-none-any.whl#sha256="


@pytest.fixture
def no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_index, "config_files", lambda _: [])


def test_pip_settings_reach_uv_in_its_own_words(no_files: None) -> None:
    settings = package_index.index_settings(
        {"PIP_INDEX_URL": "https://a/simple", "PIP_EXTRA_INDEX_URL": "https://b/s https://c/s", "PIP_CERT": "/ca.pem"}
    )
    assert settings == {
        "UV_DEFAULT_INDEX": "https://a/simple",
        "UV_INDEX": "https://b/s https://c/s",
        "SSL_CERT_FILE": "/ca.pem",
    }


def test_pip_files_count_where_the_environment_is_silent(tmp_path: Path) -> None:
    file = tmp_path / "pip.conf"
    file.write_text("[global]\nindex-url = https://file/simple\ntimeout = 30\n")
    settings = package_index.index_settings({"PIP_CONFIG_FILE": str(file), "PIP_TIMEOUT": "60"})
    assert settings["UV_DEFAULT_INDEX"] == "https://file/simple"
    assert settings["UV_HTTP_TIMEOUT"] == "60"


def test_what_the_user_told_uv_stays(no_files: None) -> None:
    given = {"PIP_INDEX_URL": "https://a/simple", "UV_DEFAULT_INDEX": "https://mine/simple"}
    assert package_index.index_settings(given) == {}


def test_a_folder_of_wheels_that_is_not_there_is_not_passed_on(no_files: None, tmp_path: Path) -> None:
    assert package_index.index_settings({"PIP_FIND_LINKS": str(tmp_path / "none")}) == {}
    assert package_index.index_settings({"PIP_FIND_LINKS": str(tmp_path)}) == {"UV_FIND_LINKS": str(tmp_path)}


def test_a_uv_that_is_not_the_pinned_one_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uv_program, "wheel_for_here", lambda *_: ("https://index/uv.whl", "0" * 64))
    monkeypatch.setattr(uv_program, "read", lambda *_: b"something else")
    with pytest.raises(uv_program.Unavailable, match="not the pinned one"):
        uv_program.by_wheel(tmp_path / "uv", {"UV_DEFAULT_INDEX": "https://index/simple"})
    assert not (tmp_path / "uv").exists()


class Index(BaseHTTPRequestHandler):
    """A package index that knows nothing but uv, and only for who has the password."""

    wheel = b""

    def do_GET(self) -> None:
        known = self.headers["Authorization"] == "Basic " + base64.b64encode(b"me:p@ss").decode()
        body = Index.wheel if self.path.endswith(".whl") else f'<a href="{WHEEL}">uv</a>'.encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an index with a uv that is the pinned one."""
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("uv-9.9.data/scripts/uv", "#!/bin/sh\n")
    Index.wheel = wheel.getvalue()
    pinned = tmp_path / "uv.txt"
    pinned.write_text(f"uv==9.9 --hash=sha256:{hashlib.sha256(Index.wheel).hexdigest()}\n")
    monkeypatch.setattr(uv_program, "PINNED", pinned)
    monkeypatch.setattr(uv_program, "suits", lambda _: True)
    monkeypatch.setattr(sys.modules[__name__], "WHEEL", WHEEL + hashlib.sha256(Index.wheel).hexdigest())
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://me:p%40ss@127.0.0.1:{server.server_port}/simple"
        server.shutdown()


@pytest.mark.parametrize("where", ["PIP_INDEX_URL", "named file", "user's file", "shared file"])
def test_without_pip_and_venv_uv_comes_from_the_index_that_pip_was_told(
    index: str, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    environment = {"XDG_CONFIG_HOME": str(tmp_path / "own"), "XDG_CONFIG_DIRS": str(tmp_path / "shared")}
    place = {"user's file": "own", "shared file": "shared"}.get(where, "named")
    file = tmp_path / place / "pip" / "pip.conf"
    if where == "PIP_INDEX_URL":
        environment[where] = index
    else:
        file.parent.mkdir(parents=True)
        file.write_text(f"[global]\nindex-url = {index}\n")
    if where == "named file":
        environment["PIP_CONFIG_FILE"] = str(file)
    told = environment | package_index.index_settings(environment)
    monkeypatch.setattr(uv_program, "by_pip", lambda _: False)
    found = uv_program.find_uv(tmp_path / "tools", told | {"PATH": str(tmp_path)}, lambda _: None)
    assert found.read_text() == "#!/bin/sh\n"
    assert os.access(found, os.X_OK)


def test_without_any_index_the_entrance_says_exactly_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(uv_program.Unavailable) as refused:
        uv_program.by_wheel(tmp_path / "uv", {"XDG_CONFIG_HOME": str(tmp_path)})
    said = str(refused.value)
    wanted = (
        "PIP_INDEX_URL",
        "UV_DEFAULT_INDEX",
        "/simple",
        f"index-url below [global] into {tmp_path}/pip/pip.conf",
    )
    assert all(one in said for one in (*wanted, "python3-venv", "uv on the PATH"))


def test_an_index_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(uv_program.Unavailable) as refused:
        uv_program.by_wheel(tmp_path / "uv", {"UV_DEFAULT_INDEX": "http://me:secret@127.0.0.1:9/simple"})
    assert "http://127.0.0.1:9/simple" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_without_a_python_the_entrance_says_what_to_do(tmp_path: Path) -> None:
    for tool in ("sh", "dirname", "readlink"):
        found = shutil.which(tool)
        assert found
        (tmp_path / tool).symlink_to(found)
    call = ["/bin/sh", str(PROJECT / "klientela"), "up"]
    done = subprocess.run(call, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
