"""The machine's pip settings, told to uv in its own words. Standard library only."""

import configparser
import os
import sys
from collections.abc import Mapping
from pathlib import Path

FOR_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
}
"""pip's option, and uv's variable for the same."""


def config_files(environment: Mapping[str, str]) -> list[Path]:
    """The configuration files of pip, the weakest first."""
    named = environment.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return []
    home = Path.home()
    shared = (environment.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)
    files = [Path(folder) / "pip" / "pip.conf" for folder in reversed(shared) if folder]
    files += [Path("/etc/pip.conf"), home / ".pip" / "pip.conf", user_file(environment)]
    if sys.platform == "darwin":
        files.append(home / "Library" / "Application Support" / "pip" / "pip.conf")
    files.append(Path(sys.prefix) / "pip.conf")
    return [*files, Path(named)] if named else files


def user_file(environment: Mapping[str, str]) -> Path:
    """The user's own configuration file of pip."""
    return Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "pip" / "pip.conf"


def pip_options(environment: Mapping[str, str]) -> dict[str, str]:
    """The options of pip that matter to uv: from its files, then from PIP_ variables, as pip itself does."""
    parser = configparser.RawConfigParser()
    for file in config_files(environment):
        try:
            parser.read(file)
        except (configparser.Error, UnicodeDecodeError):
            continue
    options: dict[str, str] = {}
    for section in ("global", "install"):
        if parser.has_section(section):
            named = ((name.replace("_", "-"), value) for name, value in parser.items(section))
            options |= {name: value for name, value in named if name in FOR_UV}
    for name in FOR_UV:
        value = environment.get("PIP_" + name.upper().replace("-", "_"))
        if value:
            options[name] = value
    return options


def index_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables for uv; one that the user has set already is left as it is."""
    settings: dict[str, str] = {}
    for name, value in pip_options(environment).items():
        variable = FOR_UV[name]
        if variable in environment:
            continue
        parts = value.split()
        if name == "find-links":
            parts = [part for part in parts if "://" in part or Path(part).exists()]
        separator = "," if name == "find-links" else " "
        if parts:
            settings[variable] = separator.join(parts)
    return settings
