"""The entrance on a machine that has only Python."""

import shutil
import subprocess
from pathlib import Path

import pytest

from klientela.layout import PROJECT
from klientela_bootstrap import package_index, uv_program


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
    monkeypatch.setattr(uv_program, "wheel_for_here", lambda _: ("https://index/uv.whl", "0" * 64))
    monkeypatch.setattr(uv_program, "read", lambda _: b"something else")
    with pytest.raises(uv_program.Unavailable, match="not the pinned one"):
        uv_program.by_wheel(tmp_path / "uv", {"UV_DEFAULT_INDEX": "https://index/simple"})
    assert not (tmp_path / "uv").exists()


def test_without_a_python_the_entrance_says_what_to_do(tmp_path: Path) -> None:
    for tool in ("sh", "dirname", "readlink"):
        found = shutil.which(tool)
        assert found
        (tmp_path / tool).symlink_to(found)
    call = ["/bin/sh", str(PROJECT / "klientela"), "up"]
    done = subprocess.run(call, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
