"""Every route answers with a named, typed object: nothing in the document is of any shape."""

from tradewright.api.application import build_routes

AS_WRITTEN = {"RunDetail.manifest", "GuardReport.findings[]"}
"""Documents that are handed on as they were stored with the run."""
PARAMETERS = {"SweepBody.grid", "SweepChoice.parameters"}
"""Values of a strategy's own parameters."""
PAGES = ("text/html", "text/csv")


def document():
    return build_routes().openapi()


def is_free(schema):
    if not set(schema) - {"title", "description", "default", "examples"}:
        return True
    is_object = schema.get("type") == "object" and not schema.get("properties")
    return is_object and schema.get("additionalProperties", True) in (True, {})


def free_fields(schema, where):
    if is_free(schema):
        yield where
    for name, inner in schema.get("properties", {}).items():
        yield from free_fields(inner, f"{where}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict) and schema[key]:
            yield from free_fields(schema[key], f"{where}[]")
    for key in ("anyOf", "oneOf", "allOf"):
        for inner in schema.get(key, ()):
            yield from free_fields(inner, where)


def test_every_answer_is_a_named_object_or_a_list_of_them():
    seen = 0
    for path, operations in document()["paths"].items():
        for verb, operation in operations.items():
            done = [a for status, a in operation["responses"].items() if status.startswith("2")]
            assert done, (verb, path)
            for answer in done:
                content = answer.get("content", {})
                if not content or set(content) <= set(PAGES):
                    continue
                schema = content["application/json"]["schema"]
                schema = schema.get("items", schema)
                assert "$ref" in schema, (verb, path, schema)
                seen += 1
    assert seen > 40


def test_no_field_is_of_any_shape():
    found = set()
    for name, schema in document()["components"]["schemas"].items():
        found |= set(free_fields(schema, name))
    assert found == AS_WRITTEN | PARAMETERS


def test_every_refusal_has_the_one_body():
    for path, operations in document()["paths"].items():
        for verb, operation in operations.items():
            for status, answer in operation["responses"].items():
                if status.startswith(("4", "5")):
                    schema = answer["content"]["application/json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/ErrorBody"}, (verb, path)
