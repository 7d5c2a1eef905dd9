"""The client is what the interface's document says, and loads nothing heavy."""

import copy
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tradewright
from tradewright.api.reference import openapi_document
from tradewright.client import Client, TradingAPIClient
from tradewright.client.writing import client_files, write_client

ROOM = Path(tradewright.__file__).parent / "client"


@pytest.fixture(scope="module")
def document():
    return openapi_document()


def test_the_client_is_written_from_the_present_interface(document):
    old = [
        path
        for path, text in client_files(document).items()
        if (ROOM / path).read_text(encoding="utf-8") != text
    ]
    assert old == [], "old client: write it with: python -m tradewright.api.reference"


def test_every_operation_is_a_method_with_its_parameters(document):
    for path, operations in document["paths"].items():
        for operation in operations.values():
            name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation["operationId"]).lower()
            found = inspect.signature(getattr(Client, name)).parameters
            told = {p["name"] for p in operation.get("parameters", [])}
            told |= {"body"} if "requestBody" in operation else set()
            assert {n.rstrip("_") for n in found} == told | {"self"}, path
            for segment in re.findall(r"\{(\w+)\}", path):
                assert found[segment].default is inspect.Parameter.empty


def test_a_changed_interface_makes_another_client(document, tmp_path):
    changed = copy.deepcopy(document)
    changed["components"]["schemas"]["Health"]["properties"]["mood"] = {"type": "string"}
    changed["paths"]["/api/v1/mood"] = {"get": {
        "operationId": "getMood", "tags": ["system"], "summary": "How it is",
        "responses": {"200": {"content": {"application/json": {
            "schema": {"$ref": "#/components/schemas/Health"}}}}},
    }}  # fmt: skip
    assert write_client(document, tmp_path) != []
    assert write_client(document, tmp_path) == []
    assert write_client(changed, tmp_path) == ["shapes/system.py", "operations/system.py"]
    assert "def get_mood(self) -> Health:" in (tmp_path / "operations/system.py").read_text()
    assert "mood: NotRequired[str]" in (tmp_path / "shapes/system.py").read_text()
    del changed["paths"]["/api/v1/mood"]
    gone = copy.deepcopy(document)
    gone["paths"] = {p: o for p, o in document["paths"].items() if "/risk" not in p}
    assert "operations/risk.py" in write_client(gone, tmp_path)
    assert not (tmp_path / "operations/risk.py").exists()


def test_both_names_are_one_client():
    assert TradingAPIClient is Client is tradewright.Client


def test_a_client_that_was_not_used_has_loaded_no_network_library():
    code = (
        "import sys, tradewright.client as c; c.Client('http://127.0.0.1:9');"
        "print(sorted({'httpx2', 'websockets', 'numpy', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
