"""Write the client's methods and types from the OpenAPI document.

``python -m tradewright.client.writing docs/reference/openapi.json`` writes them beside this file;
``python -m tradewright.api.reference`` does so whenever it writes the document.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
from collections import defaultdict
from collections.abc import Iterator, Mapping
from keyword import iskeyword
from pathlib import Path
from typing import Any, Final

Schema = Mapping[str, Any]

HOME: Final = Path(__file__).parent
SHARED: Final = "shared"
"""Types that operations of several groups use."""

_HEAD: Final = (
    '"""{what}; written from the OpenAPI document, do not edit."""\n\n'
    "from __future__ import annotations\n"
)
_OPTIONS: Final = (
    "--isolated", "--line-length", "100",
    "--config", 'lint.isort.known-first-party=["tradewright"]',
)  # fmt: skip
"""Of the formatter: the same text wherever it is called."""

_SCALARS: Final = {
    "string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None",
}  # fmt: skip


def client_files(document: Schema) -> dict[str, str]:
    """Return the modules of the client, by path below its room.

    Parameters
    ----------
    document : mapping
        The OpenAPI document, 3.1.

    Returns
    -------
    dict of str to str
        Formatted Python, one module of types and one of operations for each tag.
    """
    groups: dict[str, list[tuple[str, str, Schema]]] = defaultdict(list)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            groups[_module(operation["tags"][0])].append((method.upper(), path, operation))
    schemas = document["components"]["schemas"]
    homes = _homes(groups, schemas)
    files = {
        "shapes/__init__.py": '"""What the interface takes and answers, as typed dictionaries."""\n'
    }
    for group in sorted({*homes.values()}):
        names = [name for name in schemas if homes.get(name) == group]
        files[f"shapes/{group}.py"] = _types_module(group, names, schemas, homes)
    for group, operations in groups.items():
        files[f"operations/{group}.py"] = _operations_module(group, operations, homes)
    files["operations/__init__.py"] = _all_operations(sorted(groups))
    return {path: _formatted(text) for path, text in files.items()}


def write_client(document: Schema, home: Path = HOME) -> list[str]:
    """Write the modules that differ from what is there, and remove those of groups that are gone.

    Returns
    -------
    list of str
        Paths that changed, below the room.
    """
    files = client_files(document)
    changed = []
    for folder in ("shapes", "operations"):
        (home / folder).mkdir(exist_ok=True)
        for old in (home / folder).glob("*.py"):
            if f"{folder}/{old.name}" not in files:
                old.unlink()
                changed.append(f"{folder}/{old.name}")
    for path, text in files.items():
        file = home / path
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


def _module(tag: str) -> str:
    return re.sub(r"\W+", "_", tag.lower()).strip("_")


def _class(name: str) -> str:
    return re.sub(r"\W|_", "", name)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _argument(name: str) -> str:
    return f"{name}_" if iskeyword(name) else name


def _named(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if "$ref" in schema:
            yield schema["$ref"].rsplit("/", 1)[1]
        for value in schema.values():
            yield from _named(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _named(value)


# A type lives with the one group that uses it; the error body is an exception here, no type.
def _homes(groups: Mapping[str, list[tuple[str, str, Schema]]], schemas: Schema) -> dict[str, str]:
    users: dict[str, set[str]] = defaultdict(set)
    for group, operations in groups.items():
        waiting = [
            name
            for _, _, operation in operations
            for part in (
                operation.get("parameters", []),
                operation.get("requestBody", {}),
                _answer(operation),
            )
            for name in _named(part)
        ]
        while waiting:
            name = waiting.pop()
            if group not in users[name]:
                users[name].add(group)
                waiting += _named(schemas[name])
    return {name: min(where) if len(where) == 1 else SHARED for name, where in users.items()}


def _answer(operation: Schema) -> Schema:
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            content = response.get("content", {})
            if "application/json" in content:
                schema: Schema = content["application/json"].get("schema", {})
                return schema
            return {"type": "string"} if content else {"type": "null"}
    return {"type": "null"}


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        return _class(schema["$ref"].rsplit("/", 1)[1])
    if "const" in schema or "enum" in schema:
        values = schema.get("enum") or [schema["const"]]
        return f"Literal[{', '.join(map(repr, values))}]"
    if choices := schema.get("anyOf", schema.get("oneOf")):
        return " | ".join(dict.fromkeys(_type(choice) for choice in choices))
    kind = str(schema.get("type"))
    if kind == "array":
        return f"list[{_type(schema.get('items', {}))}]"
    if kind == "object":
        values = schema.get("additionalProperties", {})
        return f"dict[str, {_type(values) if isinstance(values, Mapping) and values else 'Any'}]"
    return _SCALARS.get(kind, "Any")


def _doc(text: str, indent: str = "") -> str:
    lines: list[str] = []
    for part in text.strip().replace("\\", "\\\\").splitlines():
        lines += textwrap.wrap(part, 92 - len(indent)) or [""]
    return f"\n{indent}".join(lines)


def _sentence(text: str) -> str:
    text = " ".join(text.split()) or "No description"
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _types_module(group: str, names: list[str], schemas: Schema, homes: Mapping[str, str]) -> str:
    parts = [_HEAD.format(what=f"Types of {group.replace('_', ' ')}")]
    others: dict[str, set[str]] = defaultdict(set)
    for name in names:
        for used in _named(schemas[name]):
            if homes[used] != group:
                others[homes[used]].add(_class(used))
    parts.append("from typing import Any, Literal, NotRequired, TypedDict\n")
    parts += [
        f"from tradewright.client.shapes.{other} import {', '.join(sorted(used))}"
        for other, used in sorted(others.items())
    ]
    parts += [_type_of(name, schemas[name]) for name in names]
    return "\n".join(parts) + "\n"


def _type_of(name: str, schema: Schema) -> str:
    if schema.get("type") != "object":
        return f"{_class(name)} = {_type(schema)}\n"
    fields = schema.get("properties", {})
    required = set(schema.get("required", ()))
    doc = _sentence(str(schema.get("description") or schema.get("title") or name).split("\n\n")[0])

    def told(key: str) -> str:
        found = _type(fields[key])
        return found if key in required else f"NotRequired[{found}]"

    if any(iskeyword(key) or not key.isidentifier() for key in fields):
        body = "".join(f"    {key!r}: {_quoted(told(key), fields[key])},\n" for key in fields)
        return f"# {_doc(doc, '# ')}\n{_class(name)} = TypedDict({_class(name)!r}, {{\n{body}}})\n"
    body = "".join(f"    {key}: {told(key)}\n" for key in fields)
    return f'class {_class(name)}(TypedDict):\n    """{_doc(doc, "    ")}"""\n\n{body}'


# In a call a name must be defined already, unless it is quoted.
def _quoted(text: str, schema: Schema) -> str:
    return repr(text) if any(_named(schema)) else text


def _operations_module(
    group: str, operations: list[tuple[str, str, Schema]], homes: Mapping[str, str]
) -> str:
    used: dict[str, set[str]] = defaultdict(set)
    for _, _, operation in operations:
        parts = (
            operation.get("parameters", []),
            operation.get("requestBody", {}),
            _answer(operation),
        )
        for name in _named(list(parts)):
            used[homes[name]].add(_class(name))
    head = _HEAD.format(what=f"Operations on {group.replace('_', ' ')}")
    head += (
        "\nfrom typing import Any, Literal\n\nfrom tradewright.client.transport import Transport\n"
    )
    head += "".join(
        f"from tradewright.client.shapes.{home} import {', '.join(sorted(names))}\n"
        for home, names in sorted(used.items())
    )
    title = "".join(word.capitalize() for word in group.split("_"))
    methods = "\n".join(_method(*operation) for operation in operations)
    doc = f"Operations on {group.replace('_', ' ')}."
    return f'{head}\n\nclass {title}Operations(Transport):\n    """{doc}"""\n\n{methods}'


def _method(method: str, path: str, operation: Schema) -> str:
    inside: list[Schema] = []
    asked: list[Schema] = []
    for parameter in operation.get("parameters", []):
        (inside if parameter["in"] == "path" else asked).append(parameter)
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    order = [*(p["name"] for p in inside)]
    signature = ["self", *(f"{_argument(p['name'])}: {_type(p['schema'])}" for p in inside)]
    if body is not None:
        found = _type(body["schema"])
        signature.append(f"body: {found}" + (" = None" if found.endswith("None") else ""))
    if asked:
        signature.append("*")
    for parameter in sorted(asked, key=lambda p: not p.get("required")):
        found = _type(parameter["schema"])
        optional = "" if parameter.get("required") else " = None"
        if optional and "None" not in found:
            found += " | None"
        signature.append(f"{_argument(parameter['name'])}: {found}{optional}")
    call = [repr(method), repr(path)]
    if inside:
        call.append("path={" + ", ".join(f"{n!r}: {_argument(n)}" for n in order) + "}")
    if asked:
        names = (p["name"] for p in asked)
        call.append("query={" + ", ".join(f"{n!r}: {_argument(n)}" for n in names) + "}")
    if body is not None:
        call.append("body=body")
    answer = _type(_answer(operation))
    text = f"    def {_snake(operation['operationId'])}({', '.join(signature)}) -> {answer}:\n"
    doc = _method_doc(f"{method} {path}", operation, [*inside, *asked], body, answer)
    text += f'        """{doc}"""\n'
    if answer == "None":
        return f"{text}        self._call({', '.join(call)})\n"
    return f"{text}        found: {answer} = self._call({', '.join(call)})\n        return found\n"


def _method_doc(
    where: str, operation: Schema, parameters: list[Schema], body: Any, answer: str
) -> str:
    pad = " " * 8
    lines = [*_heading(operation, pad), "", f"``{where}``", ""]
    if parameters or body is not None:
        lines += ["Parameters", "----------"]
        for parameter in (p for p in parameters if p["in"] == "path"):
            lines += _parameter_doc(parameter, pad)
        if body is not None:
            lines += [f"body : {_type(body['schema'])}", "    What is asked, as JSON."]
        for parameter in (p for p in parameters if p["in"] != "path"):
            lines += _parameter_doc(parameter, pad)
        lines.append("")
    lines += ["Returns", "-------", answer, "    The server's answer.", "", "Raises", "------"]
    lines += [
        "ApiError",
        "    If the server refuses.",
        "TransientEdgeError",
        "    If it is not there.",
    ]
    return f"\n{pad}".join(lines).replace(f"{pad}\n", "\n") + f"\n{pad}"


# The description where it is one line; otherwise the summary, and the description below it.
def _heading(operation: Schema, pad: str) -> list[str]:
    summary = _sentence(str(operation.get("summary", "")))
    told = _sentence(str(operation.get("description") or summary))
    return [told] if len(told) + len(pad) <= 90 else [summary, "", _doc(told, pad)]


def _parameter_doc(parameter: Schema, pad: str) -> list[str]:
    schema = parameter["schema"]
    text = str(parameter.get("description") or schema.get("title") or parameter["name"])
    if "default" in schema and schema["default"] is not None:
        text = f"{text.rstrip('.')}; {schema['default']} unless given"
    return [
        f"{_argument(parameter['name'])} : {_type(schema)}",
        "    " + _doc(_sentence(text), pad + "    "),
    ]


def _all_operations(groups: list[str]) -> str:
    titles = ["".join(word.capitalize() for word in group.split("_")) for group in groups]
    lines = [
        '"""Every operation of the interface; written from the OpenAPI document, do not edit."""\n'
    ]
    lines += [
        f"from tradewright.client.operations.{group} import {title}Operations"
        for group, title in zip(groups, titles, strict=True)
    ]
    bases = ", ".join(f"{title}Operations" for title in titles)
    lines.append(f'\n\nclass Operations({bases}):\n    """The operations of all groups."""\n')
    return "\n".join(lines)


def _formatted(text: str) -> str:
    fixed = _ruff(text, "check", "--fix", "--quiet", "--select", "F401,I001")
    return _ruff(fixed, "format", "--quiet")


def _ruff(text: str, *words: str) -> str:
    program = str(Path(sys.executable).with_name("ruff"))
    done = subprocess.run(
        [program, *words, *_OPTIONS, "-"],
        input=text, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


if __name__ == "__main__":
    write_client(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
