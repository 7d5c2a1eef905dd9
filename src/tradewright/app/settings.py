"""The one tree of settings: defaults live here, and nowhere else.

Order, highest wins: environment (``TRADEWRIGHT_SECTION__KEY``, then well-known names), files
(``CONFIG_FILE`` if set, else ``config/settings.yaml``, ``config/{environment}.yaml``,
``config/local.yaml``), defaults.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, Field, SecretStr, ValidationError

from tradewright.app.account_settings import Portfolio, Risk, Signals
from tradewright.app.account_settings import Section as _Section
from tradewright.domain.errors import ConfigError, nearest

WELL_KNOWN = {
    "ENVIRONMENT": "environment",
    "DATA_DIR": "paths.data_dir",
    "MODELS_DIR": "paths.models_dir",
    "API_HOST": "api.host",
    "API_PORT": "api.port",
    "API_LOG_LEVEL": "api.log_level",
    "LOG_LEVEL": "logging.level",
    "LOG_FORMAT": "logging.format",
    "REDIS_URL": "redis.url",
    "RAY_ADDRESS": "compute.ray_address",
}
PREFIX = "TRADEWRIGHT_"
NOT_SETTINGS = {"TRADEWRIGHT_REQUIRE_SERVICES"}


class Paths(_Section):
    """Where files are kept."""

    data_dir: Path = Field(Path("data"), description="bars, runs, database, models")
    models_dir: Path | None = Field(None, description="model registry; data_dir/models if not set")
    log_dir: Path | None = Field(None, description="log files; data_dir/logs if not set")


class Api(_Section):
    """The server."""

    host: str = Field("127.0.0.1", description="address to listen on; loopback without sign-in")
    port: int = Field(8000, ge=1, le=65535, description="port to listen on")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "warning", description="server log"
    )


class Logging(_Section):
    """Logs."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "warning", description="lowest level"
    )
    format: Literal["console", "json"] = Field("console", description="text or JSON lines")
    file: bool = Field(False, description="also write log_dir/tradewright.log")


class Yahoo(_Section):
    """The Yahoo Finance feed."""

    requests_per_second: float = Field(2.0, gt=0, le=20, description="token bucket rate")
    tries: int = Field(5, ge=1, le=10, description="attempts of one request")


class Feeds(_Section):
    """Market data sources."""

    yahoo: Yahoo = Field(default_factory=Yahoo)


class Compute(_Section):
    """Where heavy work runs."""

    ray_address: str = Field(
        "", description="Ray cluster for sweeps: host:port, auto or local; this machine if empty"
    )


class RedisServer(_Section):
    """Redis, for other programs to read the signals in force; nothing durable lives in it."""

    url: SecretStr | None = Field(None, description="redis://host:port/db; off if not set")


class Settings(_Section):
    """Every setting of the program."""

    environment: Literal["local", "development", "testing", "staging", "production"] = Field(
        "local", description="where this runs"
    )
    paths: Paths = Field(default_factory=Paths)
    api: Api = Field(default_factory=Api)
    logging: Logging = Field(default_factory=Logging)
    feeds: Feeds = Field(default_factory=Feeds)
    compute: Compute = Field(default_factory=Compute)
    redis: RedisServer = Field(default_factory=RedisServer)
    signals: Signals = Field(default_factory=Signals)
    portfolio: Portfolio = Field(default_factory=Portfolio)
    risk: Risk = Field(default_factory=Risk)


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings in force, and where each value came from."""

    values: Settings
    sources: Mapping[str, str]


def load_settings(environment: Mapping[str, str] | None = None) -> LoadedSettings:
    """Read files and environment into one checked tree.

    Parameters
    ----------
    environment : mapping, optional
        The process environment if not given.

    Returns
    -------
    LoadedSettings
        The tree, and for each dotted key the file or variable that set it.

    Raises
    ------
    ConfigError
        Naming every unknown key, wrong type and value out of range at once.
    """
    env = os.environ if environment is None else environment
    flat: dict[str, Any] = {}
    sources: dict[str, str] = {}
    problems: list[str] = []
    for path in _files(env):
        for key, (value, line) in _read_yaml(path).items():
            flat[key] = value
            sources[key] = f"{path}:{line}"
    for key, (value, name) in _from_environment(env, problems).items():
        flat[key] = value
        sources[key] = f"environment {name}"
    known = set(known_keys())
    for key in sorted(set(flat) - known):
        problems.append(f"{sources[key]}: unknown key {key!r}; {nearest(key, known)}")
        del flat[key]
    for key in [key for key, value in flat.items() if isinstance(value, bool)]:
        if _annotation(key) is not bool:
            problems.append(f"{sources[key]}: {key} is {flat.pop(key)!r}: wanted no true or false")
    try:
        values = Settings.model_validate(_nested(flat))
    except ValidationError as error:
        for item in error.errors():
            key = ".".join(str(part) for part in item["loc"])
            problems.append(f"{sources.get(key, key)}: {key} is {item['input']!r}: {item['msg']}")
        values = Settings()
    if problems:
        raise ConfigError("settings:\n  " + "\n  ".join(problems))
    return LoadedSettings(values, sources)


def known_keys(model: type[BaseModel] = Settings, prefix: str = "") -> list[str]:
    """Return the dotted name of every setting."""
    keys: list[str] = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            keys += known_keys(inner, f"{prefix}{name}.")
        else:
            keys.append(prefix + name)
    return keys


def _annotation(key: str) -> Any:
    model: Any = Settings
    for part in key.split("."):
        model = model.model_fields[part].annotation
    return model


def _files(env: Mapping[str, str]) -> list[Path]:
    if named := env.get("CONFIG_FILE"):
        if not Path(named).is_file():
            raise ConfigError(f"CONFIG_FILE {named} does not exist")
        return [Path(named)]
    names = ["settings", env.get("ENVIRONMENT", "local"), "local"]
    found = [Path("config") / f"{name}.yaml" for name in dict.fromkeys(names)]
    return [path for path in found if path.is_file()]


def _from_environment(env: Mapping[str, str], problems: list[str]) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for name, key in WELL_KNOWN.items():
        if name in env:
            found[key] = (env[name], name)
    for name, value in env.items():
        if not name.startswith(PREFIX) or name in NOT_SETTINGS:
            continue
        key = name.removeprefix(PREFIX).lower().replace("__", ".")
        if "__" not in name.removeprefix(PREFIX) and key != "environment":
            short = name.removeprefix(PREFIX)
            wanted = f"{PREFIX}SECTION__KEY"
            if short in WELL_KNOWN:
                section, field = WELL_KNOWN[short].upper().split(".")
                wanted = f"{short} or {PREFIX}{section}__{field}"
            problems.append(f"environment {name}: wanted {wanted}")
            continue
        found[key] = (value, name)
    return found


def _read_yaml(path: Path) -> dict[str, tuple[Any, int]]:
    """Return dotted keys with their value and line."""
    flat: dict[str, tuple[Any, int]] = {}

    def walk(node: yaml.Node, prefix: str) -> None:
        if not isinstance(node, yaml.MappingNode) or node.tag != "tag:yaml.org,2002:map":
            raise ConfigError(f"{path}:{node.start_mark.line + 1}: wanted keys and values")
        for key_node, value_node in node.value:
            key = f"{prefix}{key_node.value}"
            if key in flat:
                line = key_node.start_mark.line + 1
                raise ConfigError(
                    f"{path}:{line}: {key} stands here twice, also in line {flat[key][1]}"
                )
            if isinstance(value_node, yaml.MappingNode):
                walk(value_node, key + ".")
            else:
                value = yaml.SafeLoader("").construct_object(value_node, deep=True)
                flat[key] = (value, key_node.start_mark.line + 1)

    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not readable as YAML: {error}") from error
    if root is not None:
        walk(root, "")
    return flat


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, value in flat.items():
        *sections, last = key.split(".")
        level = tree
        for section in sections:
            level = level.setdefault(section, {})
        level[last] = value
    return tree
