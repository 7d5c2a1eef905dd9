"""YAML from people, read safely: plain values only, each with its line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import yaml

from tradewright.domain.errors import ConfigError

MAX_BYTES: Final = 256 << 10
MAX_DEPTH: Final = 12
Path_ = tuple[str | int, ...]
_FAST: Final = yaml.SafeLoader


def read_page(text: str | bytes, where: str) -> tuple[dict[str, Any], dict[Path_, int]]:
    """Read one YAML mapping, and the line of every key.

    Aliases, tags, several documents and repeated keys are refused: a page needs none of them,
    and an alias can make a short file grow without bound.

    Parameters
    ----------
    text : str or bytes
        The page; bytes are UTF-8.
    where : str
        File name, for messages.

    Returns
    -------
    tuple of (dict, dict)
        Plain values, and the line (from 1) of each path such as ``("decision", "top_k")``.

    Raises
    ------
    ConfigError
        Naming the line and what is wrong there.
    """
    raw = text if isinstance(text, bytes) else text.encode()
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{where}: {len(raw)} bytes, a study page has at most {MAX_BYTES}")
    try:
        page = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{where}: is not UTF-8 text: {error}") from error
    try:
        _check_events(page, where)
        node = yaml.compose(page, Loader=_FAST)
        if node is None:
            raise ConfigError(f"{where}: is empty")
        if not isinstance(node, yaml.MappingNode):
            raise ConfigError(f"{where}: holds no 'key: value' lines")
        lines: dict[Path_, int] = {}
        _note_lines(node, (), lines, where)
        loader = _FAST("")
        try:
            value = loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f"line {mark.line + 1}: "
        what = getattr(error, "problem", None) or str(error)
        raise ConfigError(f"{where}: {line}is not YAML: {what}") from error
    except (ValueError, RecursionError, OverflowError) as error:
        raise ConfigError(f"{where}: a value cannot be read: {str(error)[:120]}") from error
    return value, lines


def read_value(text: str, where: str) -> Any:
    """Read one plain YAML value, for example of ``--set KEY=VALUE``.

    Raises
    ------
    ConfigError
        If it is not one.
    """
    value, _ = read_page(f"value: {text}", where)
    return value["value"]


def with_values(page: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page with values replaced by their dotted path.

    Raises
    ------
    ConfigError
        If a path leads through something that is no section.

    Examples
    --------
    >>> with_values({"model": {"type": "ridge"}}, {"model.type": "zero", "seed": 3})
    {'model': {'type': 'zero'}, 'seed': 3}
    """
    out = dict(page)
    for path, value in changes.items():
        keys = path.split(".")
        if not all(keys):
            raise ConfigError(f"--set {path!r}: wanted KEY=VALUE such as decision.top_k=5")
        section = out
        for key in keys[:-1]:
            inner = section.get(key)
            if inner is not None and not isinstance(inner, dict):
                raise ConfigError(f"--set {path}: {key} is {inner!r}, not a section")
            section[key] = dict(inner or {})
            section = section[key]
        section[keys[-1]] = value
    return out


def _check_events(page: str, where: str) -> None:
    depth = documents = 0
    for event in yaml.parse(page, Loader=_FAST):
        line = 1 + (event.start_mark.line if event.start_mark else 0)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise ConfigError(f"{where}: line {line}: anchors and aliases are not allowed")
        tag = getattr(event, "tag", None)
        if tag:
            raise ConfigError(f"{where}: line {line}: the tag {tag} is not allowed")
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise ConfigError(f"{where}: line {line}: a second document; one page is one study")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise ConfigError(f"{where}: line {line}: nested deeper than {MAX_DEPTH}")
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _note_lines(node: yaml.Node, path: Path_, lines: dict[Path_, int], where: str) -> None:
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise ConfigError(f"{where}: line {line}: a key must be plain text")
            inner = (*path, str(key_node.value))
            if inner in lines:
                raise ConfigError(
                    f"{where}: line {line}: {dotted(inner)} occurs twice, first in line "
                    f"{lines[inner]}"
                )
            lines[inner] = line
            _note_lines(value_node, inner, lines, where)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[(*path, index)] = item.start_mark.line + 1
            _note_lines(item, (*path, index), lines, where)


def dotted(path: Path_) -> str:
    """Return a path as people write it: ``features[2]``, ``decision.top_k``."""
    out = ""
    for part in path:
        out += f"[{part}]" if isinstance(part, int) else f".{part}" if out else str(part)
    return out
