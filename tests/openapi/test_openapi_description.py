# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""data/openapi/openapi.json by itself, and beside the documentation.

That it has the routes of the program is the unit test http-openapi's, and that answers are as it says test_openapi_fuzz.py's.
"""

import importlib.util
import json
import re

import jsonschema
import pytest

from support.description import FILE, TOP, Description

description = Description()
operations = description.list_operations()


def walk(node, where="#"):
    """Each object below a node, with where it is."""
    if isinstance(node, dict):
        yield where, node
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, below in items:
        yield from walk(below, f"{where}/{str(name).replace('~', '~0').replace('/', '~1')}")


nodes = list(walk(description.document))


def find_holders():
    """Each object that has both a schema and examples that it is to fit, with the schema."""
    for where, node in nodes:
        if "schema" in node and "example" in node:
            yield where, node["schema"], [node["example"]]
        if "examples" in node and isinstance(node["examples"], list):
            yield where, node, node["examples"]


def read_pages():
    """The title and status of each type of problem, from its page."""
    pages = {}
    for page in (TOP / "docs/problems").iterdir():
        text = page.read_text(encoding="utf-8")
        name, status = re.search(r"^`(/problems/[a-z-]+)`, status (\d{3})$", text, re.MULTILINE).groups()
        pages[name] = int(status)
    return pages


def test_is_openapi_3_1_in_the_public_domain():
    assert description.document["openapi"].startswith("3.1.")
    assert description.document["info"]["license"]["identifier"] == "CC0-1.0"


def test_has_no_member_twice():
    def refuse(pairs):
        names = [name for name, _ in pairs]
        assert len(set(names)) == len(names), names
        return dict(pairs)

    json.loads(FILE.read_text(encoding="utf-8"), object_pairs_hook=refuse)


def test_references_lead_somewhere_and_all_parts_are_used():
    references = {node["$ref"] for _, node in nodes if "$ref" in node}
    for reference in references:
        description.resolver.resolve(reference)
    components = description.document["components"]
    assert references == {f"#/components/{kind}/{name}" for kind, parts in components.items() for name in parts}


def test_schemas_are_json_schemas():
    schemas = [node["schema"] for _, node in nodes if "schema" in node]
    schemas += description.document["components"]["schemas"].values()
    assert len(schemas) > 50
    for schema in schemas:
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("where, schema, examples", find_holders(), ids=lambda value: value if isinstance(value, str) else "")
def test_examples_fit_their_schemas(where, schema, examples):
    for example in examples:
        # As it would come over the wire, where it is no JSON.
        assert description.find_faults(example, schema) == []


def test_operations_are_whole():
    names = [operation.name for operation in operations]
    tags = {tag["name"] for tag in description.document["tags"]}
    assert len(set(names)) == len(names)
    for operation in operations:
        assert set(operation.node["tags"]) <= tags
        assert operation.node["summary"]
        assert any(status.startswith("2") for status in operation.responses)
        in_path = {p["name"] for p in operation.parameters if p["in"] == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", operation.path))
        known = [(p["in"], p["name"]) for p in operation.parameters]
        assert len(set(known)) == len(known)
        for rule in ("x-at-most-one", "x-at-least-one"):
            assert {("query", name) for name in operation.node.get(rule, ())} <= set(known)
        for name, others in operation.node.get("x-excludes", {}).items():
            assert {("query", other) for other in (name, *others)} <= set(known)


def test_head_is_as_get():
    for path, item in description.document["paths"].items():
        assert ("head" in item) == ("get" in item), path
        if "head" in item:
            for member in ("parameters", "responses", "tags"):
                assert item["head"].get(member) == item["get"].get(member), path


def test_has_the_problems_that_have_pages():
    types = description.document["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]
    assert len(set(types)) == len(types)
    assert set(types) == set(read_pages())


def test_problems_have_the_statuses_of_their_pages():
    pages = read_pages()
    told = set()
    for name, response in description.document["components"]["responses"].items():
        media = response.get("content", {}).get("application/problem+json")
        if media is None:
            continue
        narrowed = media["schema"]["allOf"][1]["properties"]
        told |= set(narrowed["type"]["enum"])
        for kind in narrowed["type"]["enum"]:
            # A head that cannot be read has several statuses.
            assert "status" not in narrowed or narrowed["status"]["const"] == pages[kind], name
    assert told == set(pages)


def test_refusals_of_v1_are_problems_only():
    for operation in operations:
        for status, response in operation.responses.items():
            if operation.is_strict and status.startswith(("4", "5")):
                assert set(response["content"]) == {"application/problem+json"}, (operation, status)


def load_tool():
    spec = importlib.util.spec_from_file_location("make_http_reference", TOP / "tests/tools/make_http_reference.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


def test_reference_page_is_what_the_description_makes():
    tool = load_tool()
    assert tool.PAGE.read_text(encoding="utf-8") == tool.make(), "please run ./dev docs"


def test_reference_page_has_all_of_the_description():
    page = load_tool().PAGE.read_text(encoding="utf-8")
    for operation in operations:
        if operation.method not in ("HEAD", "OPTIONS"):
            assert f"### `{operation.method} {operation.path}`\n" in page
    # Where its links lead to.
    for link in set(re.findall(r"\]\(([^)#]*)\)", page)):
        assert (TOP / "docs" / link).is_file(), link
    anchors = {title.lower() for title in re.findall(r"^### (\w+)$", page, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]*)\)", page)) <= anchors
