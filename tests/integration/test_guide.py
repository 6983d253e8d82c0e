# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""docs/guide shows all that there is, by examples that are run (test_examples.py runs them)."""

import pathlib
import re
import xml.etree.ElementTree as ET

import pytest

from support import pages
from support.description import Description

TOP = pathlib.Path(__file__).resolve().parents[2]
GUIDE = sorted((TOP / "docs/guide").glob("*.md"))


def read_examples():
    """All commands and programs of the guide."""
    return [
        step.text
        for path in GUIDE
        for step in pages.read_steps(path.read_text(encoding="utf-8"))
        if step.kind in ("command", "stream")
    ]


def tell_method(command):
    """The method of a curl command."""
    if match := re.search(r" -X ([A-Z]+)", command):
        return match[1]
    if " -I " in command:
        return "HEAD"
    if re.search(r" (--json|-d|--data-binary) ", command):
        return "POST"
    return "PUT" if " -T " in command else "GET"


def find_unshown_routes(document, examples):
    """What the description has and no example: methods with their paths, and parameters of these."""
    unshown = []
    for path, item in document["paths"].items():
        pattern = "[^/?&'\" ]+".join(map(re.escape, re.split(r"\{[a-z]+\}", path)))
        shown = [text for text in examples if re.search(rf"localhost:3000{pattern}(?:[?'\")\s]|$)", text)]
        for method, operation in item.items():
            # HEAD and OPTIONS go everywhere, and are shown once.
            if method in ("get", "put", "post", "delete"):
                own = [text for text in shown if tell_method(text) == method.upper()]
                unshown += [] if own else [f"{method.upper()} {path}"]
                unshown += [
                    f"{method.upper()} {path}: {name}"
                    for name, place in list_parameters(document, operation)
                    if not any(has_parameter(text, name, place) for text in (own if place == "query" else examples))
                ]
    return unshown


def list_parameters(document, operation):
    for parameter in operation.get("parameters", []):
        if "$ref" in parameter:
            parameter = document["components"]["parameters"][parameter["$ref"].rsplit("/", 1)[1]]
        yield parameter["name"], parameter["in"]


def has_parameter(text, name, place):
    if place == "query":
        return re.search(rf"[?&]{name}(?:[=&'\")\s]|$)", text) is not None
    return f"{name}: " in text


def find_unshown_methods(interface, examples):
    """The methods and properties of a D-Bus interface that no example has."""
    texts = [text for text in examples if "org.kvstore." in text]
    members = [*interface.iter("method"), *interface.iter("property")]
    names = [member.get("name") for member in members]
    return [name for name in names if not any(re.search(rf"(?<![\w-]){name}\b", text) for text in texts)]


@pytest.mark.parametrize("path", GUIDE, ids=lambda path: path.name)
def test_every_example_is_run(path):
    assert pages.find_unrun(path.read_text(encoding="utf-8")) == []


def test_index_names_every_page():
    index = (TOP / "docs/guide/README.md").read_text(encoding="utf-8")
    named = re.findall(r"^[0-9]+\. \[[^]]+\]\(([a-z-]+\.md)\)", index, re.MULTILINE)
    assert sorted(named) == [path.name for path in GUIDE if path.name != "README.md"]
    for page, following in zip(named, named[1:]):
        assert f"Next: [{find_title(following)}]({following})." in (TOP / "docs/guide" / page).read_text(encoding="utf-8")


def find_title(name):
    return (TOP / "docs/guide" / name).read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")


def test_every_route_and_parameter_is_shown():
    assert find_unshown_routes(Description().document, read_examples()) == []


def test_every_method_over_dbus_is_shown():
    interface = ET.parse(TOP / "introspection/org.kvstore.KvStore1.xml").find("interface")
    assert find_unshown_methods(interface, read_examples()) == []


class TestFaultsAreFound:
    document = {
        "paths": {
            "/a/{key}": {
                "get": {"parameters": [{"name": "p", "in": "query"}, {"$ref": "#/components/parameters/H"}]},
                "put": {},
            },
        },
        "components": {"parameters": {"H": {"name": "If-H", "in": "header"}}},
    }

    @pytest.mark.parametrize(
        ("examples", "unshown"),
        [
            ([], ["GET /a/{key}", "GET /a/{key}: p", "GET /a/{key}: If-H", "PUT /a/{key}"]),
            (["curl -H 'If-H: x' 'http://localhost:3000/a/k?p=1'", "curl -T f http://localhost:3000/a/k"], []),
            (["curl -H 'If-H: x' 'http://localhost:3000/a/k?pp=1'", "curl -T f http://localhost:3000/a/k"], ["GET /a/{key}: p"]),
            (["curl -H 'If-H: x' 'http://localhost:3000/a/k/l?p'", "curl -X PUT http://localhost:3000/a/k"],
             ["GET /a/{key}", "GET /a/{key}: p"]),
        ],
    )
    def test_routes(self, examples, unshown):
        assert find_unshown_routes(self.document, examples) == unshown

    def test_methods(self):
        interface = ET.fromstring("<interface><method name='Get'/><method name='GetMany'/><property name='Keys'/></interface>")
        assert find_unshown_methods(interface, ["busctl call org.kvstore.KvStore1 GetMany as 0", "Keys"]) == ["Get", "Keys"]
