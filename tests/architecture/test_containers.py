"""The containers: no default password, every service there and gated on health, nothing runs as root.

Read as text: no YAML reader is among our dependencies. `docker compose config` in CI reads it as YAML.
"""

import re
import stat
from pathlib import Path

import pytest

from schemas.catalogue import OWNERS
from scripts import compose_env

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")
INIT = (ROOT / "deploy/docker/databases.sh").read_text(encoding="utf-8")


def unguarded(text: str) -> list[str]:
    """Return the variables that may be missing without a word, and the secrets written out."""
    soft = [name for name in re.findall(r"\$\{?[A-Z_]+[^}]*\}?", text) if not re.match(r"\$\{[A-Z_]+:\?[^}]+\}", name)]
    written = r"^\s*\w*(?:PASSWORD|TOKEN|SECRET)\w*: *[\"']?[^\"'$\s].*$"
    return soft + re.findall(written, text, re.MULTILINE)


def block(name: str) -> str:
    found = re.search(rf"^  {re.escape(name)}:\n((?:    .*\n|\n)+)", COMPOSE, re.MULTILINE)
    assert found, f"{name} is not in docker-compose.yml"
    return found[1]


def test_nothing_has_a_default_password() -> None:
    assert unguarded(COMPOSE) == []


@pytest.mark.parametrize(
    "bad", ['P: "${POSTGRES_PASSWORD:-secret}"', "P: $POSTGRES_PASSWORD", "POSTGRES_PASSWORD: klientela"]
)
def test_a_default_password_is_noticed(bad: str) -> None:
    assert unguarded(bad)


@pytest.mark.parametrize("service", OWNERS)
def test_a_service_stands_in_compose_with_its_own_database_only(service: str) -> None:
    text = block(service)
    assert "<<: *service" in text
    assert f"SERVICE: {service}" in text
    assert re.findall(r"KLIENTELA_(\w+)_DATABASE", text) == [service.replace("-", "_").upper()]
    assert ("signing-key" in text) == (service == "clients")
    assert f"make {service.replace('-', '_')} " in INIT


@pytest.mark.parametrize("service", ["postgres", "kafka"])
def test_what_services_wait_for_says_when_it_is_healthy(service: str) -> None:
    assert "healthcheck:" in block(service)
    assert f"{service}: {{condition: service_healthy}}" in COMPOSE


def test_no_line_is_indented_by_tabs_or_odd_steps() -> None:
    assert [line for line in COMPOSE.splitlines() if "\t" in line or (len(line) - len(line.lstrip(" "))) % 2] == []


def test_the_image_is_locked_healthy_and_not_root() -> None:
    assert "--require-hashes" in DOCKERFILE
    assert "--no-deps ./shared/schemas ./shared/chassis" in DOCKERFILE
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE)[-1] not in {"root", "0"}
    assert "HEALTHCHECK" in DOCKERFILE


def test_all_that_compose_asks_for_is_written_by_compose_env(tmp_path: Path) -> None:
    asked = set(re.findall(r"\$\{([A-Z_]+):", COMPOSE))
    assert {line.split("=")[0] for line in compose_env.environment(tmp_path).splitlines()} == asked


def test_keys_are_private_and_never_written_twice(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    assert compose_env.main([str(folder)]) == 0
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert set(re.findall(r"\}/([\w.-]+)\"", COMPOSE)) <= before.keys()
    assert compose_env.main([str(folder)]) == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_the_databases_log_quotes_nobody() -> None:
    assert "log_error_verbosity=terse" in block("postgres")
